#include "server/net/sender.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace bide {

void Sender::send(Connection& connection, std::string_view text,
                  const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                  std::string_view tail) {
  if (connection.broken) return;
  const Message message{text, owner.get(), body, tail};
  if (connection.exchange.unsent != nullptr) {  // Behind `100 Continue` or a stream's end.
    return keep(connection, message, owner);
  }
  thread_local std::vector<std::string_view> pieces;
  pieces.clear();
  message.append_pieces(pieces);
  const ssize_t sent = connection.transmit(pieces);
  if (sent < 0) {
    connection.broken = true;
    return;
  }
  if (static_cast<std::size_t>(sent) == message.bytes()) return;
  keep(connection, message, owner);
  if (connection.exchange.unsent != nullptr)
    connection.exchange.unsent->take(static_cast<std::size_t>(sent));
}

void Sender::keep(Connection& connection, const Message& message,
                  const std::shared_ptr<const Snapshot>& owner) {
  std::unique_ptr<Unsent> unsent = std::move(connection.exchange.unsent);
  if (unsent == nullptr) {
    unsent = std::make_unique<Unsent>(message, owner);
    unsent->client = connection.exchange.client();
  } else {
    unread_.give_back(unsent->client, unsent->owner(), unsent->counted_bytes);
    unsent->append(message, owner);
  }
  unsent->counted_bytes = unsent->own_bytes();
  if (unread_.try_add(unsent->client, unsent->owner(), unsent->counted_bytes)) {
    connection.exchange.unsent = std::move(unsent);
    return;
  }
  connection.broken = true;
  count(metrics_.clients_unread);
}

bool Sender::resume(Connection& connection, TimePoint now) {
  Unsent& unsent = *connection.exchange.unsent;
  thread_local std::vector<std::string_view> pieces;
  pieces.clear();
  unsent.append_pieces(pieces);
  const ssize_t sent = connection.transmit(pieces);
  if (sent < 0) return false;
  unsent.take(static_cast<std::size_t>(sent));
  if (unsent.empty()) {
    drop_unsent(connection.exchange);
    connection.deadline = kEndOfTime;
  } else if (connection.exchange.streaming() && sent > 0) {
    begin_time(connection, now);
  }
  return true;
}

void Sender::drop_unsent(Exchange& exchange) {
  if (exchange.unsent == nullptr) return;
  const Unsent& unsent = *exchange.unsent;
  if (unsent.client != 0) unread_.give_back(unsent.client, unsent.owner(), unsent.counted_bytes);
  exchange.unsent.reset();
}

bool Sender::count_unsent(Exchange& exchange) {
  Unsent& unsent = *exchange.unsent;
  if (unsent.client != 0) return true;
  unsent.counted_bytes = unsent.own_bytes();
  if (!unread_.try_add(exchange.client(), unsent.owner(), unsent.counted_bytes)) {
    count(metrics_.clients_unread);
    return false;
  }
  unsent.client = exchange.client();
  return true;
}

void Sender::begin_time(Connection& connection, TimePoint now) const {
  Unsent& unsent = *connection.exchange.unsent;
  unsent.taken_bytes = 0;
  if (::ioctl(connection.fd, SIOCOUTQ, &unsent.on_wire_bytes) != 0) unsent.on_wire_bytes = 0;
  connection.deadline = now + patience_;
}

// The kernel may still hold what it has taken.
bool Sender::is_fast_enough(const Connection& connection) {
  const Unsent& unsent = *connection.exchange.unsent;
  int on_wire_bytes = 0;
  if (::ioctl(connection.fd, SIOCOUTQ, &on_wire_bytes) != 0) return false;
  const auto taken = static_cast<std::int64_t>(unsent.taken_bytes) + unsent.on_wire_bytes;
  const auto least =
      static_cast<std::int64_t>(connection.exchange.streaming() ? std::size_t{1} : kBytesMin);
  return taken - on_wire_bytes >= least;
}

}  // namespace bide
