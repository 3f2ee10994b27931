// The other half of server/front.h: writing, arming, lingering, closing.
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "server/front.h"
#include "server/problem.h"
#include "server/transport.h"

namespace bide {
namespace {

// Reads thrown away in a row while lingering, before others get their turn.
constexpr int kDiscardsPerTurn = 16;

// A connection that was being served when draining began may come to rest just after a pass; from
// then on every response says `Connection: close`.
constexpr int kGoodbyes = 3;

}  // namespace

void Front::send(Connection& connection, std::string_view text,
                 const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                 std::string_view tail) {
  if (connection.broken) return;
  const Message message{text, owner.get(), body, tail};
  if (connection.unsent != nullptr) {  // Behind `100 Continue` or a stream's end.
    return keep_unsent(connection, message, owner);
  }
  thread_local std::vector<std::string_view> pieces;
  pieces.clear();
  message.append_pieces(pieces);
  const ssize_t sent = transmit(connection, pieces);
  if (sent < 0) {
    connection.broken = true;
    return;
  }
  if (static_cast<std::size_t>(sent) == message.bytes()) return;
  keep_unsent(connection, message, owner);
  if (connection.unsent != nullptr) connection.unsent->take(static_cast<std::size_t>(sent));
}

void Front::keep_unsent(Connection& connection, const Message& message,
                        const std::shared_ptr<const Snapshot>& owner) {
  std::unique_ptr<Unsent> unsent = std::move(connection.unsent);
  if (unsent == nullptr) {
    unsent = std::make_unique<Unsent>(message, owner);
    unsent->client = client_of(connection);
  } else {
    unread_.give_back(unsent->client, unsent->owner(), unsent->counted_bytes);
    unsent->append(message, owner);
  }
  unsent->counted_bytes = unsent->own_bytes();
  if (unread_.try_add(unsent->client, unsent->owner(), unsent->counted_bytes)) {
    connection.unsent = std::move(unsent);
    return;
  }
  connection.broken = true;
  count(metrics_.clients_unread);
}

void Front::drop_unsent(Connection& connection) {
  if (connection.unsent == nullptr) return;
  const Unsent& unsent = *connection.unsent;
  unread_.give_back(unsent.client, unsent.owner(), unsent.counted_bytes);
  connection.unsent.reset();
}

void Front::begin_write_time(Connection& connection, TimePoint now) {
  Unsent& unsent = *connection.unsent;
  unsent.taken_bytes = 0;
  if (::ioctl(connection.fd, SIOCOUTQ, &unsent.on_wire_bytes) != 0) unsent.on_wire_bytes = 0;
  connection.deadline = now + limits_.write;
}

// Asked when the time is up. What the kernel has taken may still be here: only what the client has
// acknowledged counts.
bool Front::is_fast_enough(const Connection& connection) {
  const Unsent& unsent = *connection.unsent;
  int on_wire_bytes = 0;
  if (::ioctl(connection.fd, SIOCOUTQ, &on_wire_bytes) != 0) return false;
  const auto taken = static_cast<std::int64_t>(unsent.taken_bytes) + unsent.on_wire_bytes;
  const auto least = static_cast<std::int64_t>(connection.stream == nullptr ? kWriteBytesMin : 1);
  return taken - on_wire_bytes >= least;
}

void Front::resume_writing(Connection& connection) {
  Unsent& unsent = *connection.unsent;
  thread_local std::vector<std::string_view> pieces;
  pieces.clear();
  unsent.append_pieces(pieces);
  const ssize_t sent = transmit(connection, pieces);
  if (sent < 0) return close(connection);
  unsent.take(static_cast<std::size_t>(sent));
  if (unsent.empty()) {
    drop_unsent(connection);
    connection.deadline = kEndOfTime;
    watch_for(connection, kReadEvents);
    if (connection.stream != nullptr) return await_turn(connection);
  }
  const TimePoint now = clock_.now();
  if (connection.stream != nullptr && sent > 0) begin_write_time(connection, now);
  after_response(connection, now);
}

void Front::after_response(Connection& connection, TimePoint now) {
  if (connection.broken) return close(connection);
  if (connection.unsent != nullptr) {
    watch_for(connection, EPOLLOUT);
    if (connection.deadline == kEndOfTime) begin_write_time(connection, now);
    return rest(connection, Connection::Phase::kWriting, connection.deadline);
  }
  if (connection.stream != nullptr) return go_on(connection);
  if (connection.facts.close) return half_close(connection);
  if (connection.input.empty()) return wait_for_request(connection, now);
  // The client has pipelined. An attendant has no time for its next request.
  pool_.enqueue([this, &connection] { serve(connection, connection.input); });
}

// Closing while the client still sends makes the kernel answer with a reset, which may destroy the
// response on its way (RFC 9112 section 9.6): say that we are done, and wait for the client's FIN.
void Front::half_close(Connection& connection) {
  std::string().swap(connection.input);
  if (!say_end(connection)) {  // Goes the way of a response that the socket has no room for.
    connection.facts.close = true;
    connection.unsent = std::make_unique<Unsent>(Message{}, nullptr);
    return after_response(connection, clock_.now());
  }
  connection.deadline = clock_.now() + limits_.linger;
  linger(connection);
}

void Front::linger(Connection& connection) {
  thread_local std::array<char, 4096> trash;
  ssize_t got = 0;
  for (int i = 0; i < kDiscardsPerTurn; ++i) {
    got = ::recv(connection.fd, trash.data(), trash.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return close(connection);
    if (got < 0) break;
  }
  if (got > 0) connection.note(Connection::kInput);
  rest(connection, Connection::Phase::kLingering, connection.deadline);
}

void Front::rest(Connection& connection, Connection::Phase phase, TimePoint expires) {
  connection.phase = phase;
  connection.expires_ms.store(Reaper::mark(expires), std::memory_order_relaxed);
  const std::uint64_t key = key_of(connection);
  const Connection::News news = connection.rest();
  if (news != Connection::kNone) look_again(key, news);
}

void Front::watch_for(Connection& connection, std::uint32_t events) {
  pool_.watch_for(connection.fd, events, connection.thread, key_of(connection));
}

void Front::on_expired(Connection& connection) {
  if (connection.phase == Connection::Phase::kShaking) count(metrics_.tls_handshake_failures);
  const bool reading = connection.phase == Connection::Phase::kReading;
  if (reading && !connection.input.empty()) {
    count(metrics_.clients_slow);
    return reject(connection, connection.input, 408,
                  connection.in_body ? "the body did not arrive in time"
                                     : "the request's head did not arrive in time");
  }
  if (connection.phase == Connection::Phase::kWriting) {
    if (is_fast_enough(connection)) {
      begin_write_time(connection, clock_.now());
      return rest(connection, Connection::Phase::kWriting, connection.deadline);
    }
    count(metrics_.clients_slow);
  }
  close(connection);
}

void Front::close(Connection& connection) {
  give_back_places(connection);
  if (connection.tls != nullptr && !connection.broken) (void)connection.tls->say_end();
  connection.tls.reset();
  ::close(connection.fd);  // Takes it out of epoll, too.
  pool_.forget(connection.thread);
  connection.fd = -1;
  connection.expires_ms.store(INT64_MAX, std::memory_order_relaxed);
  connection.half_closed = connection.broken = connection.in_body = false;
  connection.phase = Connection::Phase::kReading;
  connection.deadline = kEndOfTime;
  connection.progress = {};
  connection.facts = {};
  connection.terms = {};
  std::string().swap(connection.input);
  connection.holder = nullptr;
  std::string().swap(connection.key);
  drop_stream(connection);
  connection.opening.reset();
  connection.only_if.reset();
  drop_unsent(connection);
  connection.end_life();
  slots_.release(connection);
}

void Front::drain(std::chrono::milliseconds patience) {
  draining_.store(true, std::memory_order_release);
  table_->drain();
  const TimePoint end = clock_.now() + patience;
  Mutex mutex;
  CondVar tick;
  MutexLock lock(mutex);
  for (int pass = 0; connections() > 0 && clock_.now() < end; ++pass) {
    for (std::uint32_t i = 0; pass < kGoodbyes && i < slots_.end(); ++i) {
      say_goodbye(slots_.at(i), pass + 1 == kGoodbyes);
    }
    tick.wait_until(mutex, clock_.now() + std::chrono::milliseconds(20));
  }
}

// Ends an idle connection. One with a request under way gets its response first; one in its TLS
// handshake is let finish that, until it is `for_good`.
void Front::say_goodbye(Connection& connection, bool for_good) {
  const auto ticket = connection.idle_ticket();
  if (!ticket || !connection.claim(*ticket)) return;
  if (connection.phase == Connection::Phase::kReading && connection.input.empty()) {
    if (look_ahead(connection) != Ahead::kInput) return half_close(connection);
    connection.note(Connection::kInput);  // Sent before we said goodbye: it is answered.
  }
  if (connection.phase == Connection::Phase::kShaking && for_good) return half_close(connection);
  rest(connection, connection.phase,
       TimePoint(std::chrono::milliseconds(connection.expires_ms.load(std::memory_order_relaxed))));
}

}  // namespace bide
