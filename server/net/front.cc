#include "server/net/front.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <new>

#include "server/log/log.h"
#include "server/net/protocol.h"

namespace bide {
namespace {

// While lingering, this many reads are discarded in a row before others get their turn.
constexpr int kDiscardsPerTurn = 16;

Connection::News news_of(std::uint32_t events) {
  unsigned news = Connection::kNone;
  if ((events & (EPOLLIN | EPOLLOUT)) != 0) news |= Connection::kInput;
  if ((events & EPOLLRDHUP) != 0) news |= Connection::kFin;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) news |= Connection::kReset;
  return static_cast<Connection::News>(news);
}

}  // namespace

Front::Front(Clock& clock, const Limits& limits, HttpMetrics& metrics, AccessLogger& access_logger)
    : clock_(clock),
      limits_(limits),
      metrics_(metrics),
      access_logger_(access_logger),
      accounts_(limits.per_client),
      sender_(limits.write, limits.unread_bytes_max, metrics),
      handshakes_(limits.handshakes),
      pool_([this](std::uint64_t key, std::uint32_t events) { on_events(key, news_of(events)); }),
      reaper_(
          clock, slots_,
          [this](Connection& connection) { guarded(connection, [&] { on_expired(connection); }); },
          [this] { on_tick(); }) {}

Front::~Front() { stop(); }

void Front::start(const Protocols& protocols, std::size_t threads) {
  http1_ = &protocols.http1;
  http2_ = &protocols.http2;
  pool_.start(threads);
  reaper_.start();
}

void Front::stop() {
  reaper_.stop();
  pool_.shutdown();
  for (std::uint32_t i = 0; i < slots_.end(); ++i) {
    Connection& connection = slots_.at(i);
    const auto ticket = connection.idle_ticket();
    if (ticket && connection.claim(*ticket)) close(connection);
  }
}

std::uint64_t Front::key_of(const Connection& connection) {
  return std::uint64_t{connection.index} << 32 | connection.life();
}

void Front::adopt(int fd, bool plain) {
  using Share = ClientAccounts::Share;
  const ClientAddress address = ClientAddress::of_peer(fd);
  const bool proxied = proxies_.trusts(address);
  const auto refuse = [&](ConnectionRefusal why) {
    count(metrics_.refused(why));
    ::close(fd);
  };
  if (draining_.load(std::memory_order_acquire)) return refuse(ConnectionRefusal::kDraining);
  try {
    if (!proxied && !accounts_.take(Share::kConnections, address.client())) {
      return refuse(ConnectionRefusal::kClient);
    }
  } catch (const std::bad_alloc&) {
    return refuse(ConnectionRefusal::kNoSlot);
  }
  const auto give_up = [&](ConnectionRefusal why) {
    if (!proxied) accounts_.give_back(Share::kConnections, address.client());
    refuse(why);
  };
  Connection* const connection = slots_.acquire();
  if (connection == nullptr) return give_up(ConnectionRefusal::kNoSlot);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  count(metrics_.connections);
  // Watched before it rests: what comes in between is noted.
  const auto thread = pool_.watch(fd, kReadEvents, key_of(*connection));
  if (!thread) {
    slots_.release(*connection);
    return give_up(ConnectionRefusal::kNoWatch);
  }
  if (connection->front != this) connection->front = this;  // Other threads may be reading it.
  connection->fd = fd;
  connection->exchange.address = address;
  connection->proxied = proxied;
  connection->thread = *thread;
  if (tls_ != nullptr && !plain) {
    connection->deadline = clock_.now() + limits_.head;
    return rest(*connection, Connection::Phase::kShaking, connection->deadline);
  }
  rest(*connection, Connection::Phase::kReading, clock_.now() + limits_.idle);
}

void Front::on_events(std::uint64_t key, Connection::News news) noexcept {
  Connection& connection = slots_.at(static_cast<std::uint32_t>(key >> 32));
  if (!connection.on_events(static_cast<std::uint32_t>(key), news)) return;
  guarded(connection, [&] { take_turn(connection, news); });
}

void Front::take_turn(Connection& connection, Connection::News news) {
  switch (connection.phase) {
    case Connection::Phase::kShaking:
      if ((news & ~Connection::kInput) != 0) connection.note(news);
      return pool_.enqueue_laborious(
          [this, &connection] { guarded(connection, [&] { shake(connection); }); });
    case Connection::Phase::kReading:
      // Edge-triggered: epoll will not report the FIN behind the last bytes again.
      if (news == Connection::kAnswers) return protocol_of(connection).collect(connection);
      // No error and nothing to read: look_again() had no memory, and wants it closed.
      if ((news & Connection::kReset) != 0 &&
          connection.look_ahead() == Connection::Ahead::kNothing) {
        return close(connection);
      }
      // Those are collected when it has read.
      news = static_cast<Connection::News>(news & ~Connection::kAnswers);
      if ((news & ~Connection::kInput) != 0) connection.note(news);
      return protocol_of(connection).read(connection);
    case Connection::Phase::kParked:
      return protocol_of(connection).hear(connection, news);
    case Connection::Phase::kWriting:
      return resume_sending(connection);
    case Connection::Phase::kLingering:
      return linger(connection);
  }
}

void Front::look_again(std::uint64_t key, Connection::News news) noexcept {
  try {
    pool_.enqueue([this, key, news] { on_events(key, news); });
  } catch (const std::bad_alloc&) {
    Connection& connection = slots_.at(static_cast<std::uint32_t>(key >> 32));
    if (!connection.on_events(static_cast<std::uint32_t>(key), Connection::kReset)) return;
    count(metrics_.out_of_memory);
    if (connection.phase == Connection::Phase::kParked) protocol_of(connection).unpark(connection);
    close(connection);
  }
}

void Front::enqueue(Connection& connection, Place place) {
  auto task = [this, &connection] {
    guarded(connection, [&] { protocol_of(connection).take_turn(connection); });
  };
  switch (place) {
    case Place::kNext:
      return pool_.enqueue(task);
    case Place::kTurn:
      return pool_.enqueue_turn(task);
    case Place::kBulk:
      return pool_.enqueue_bulk(task);
  }
}

void Front::become_http2(Connection& connection, std::string_view bytes) {
  const std::unique_ptr<Session> session = std::move(connection.session);
  connection.http2 = true;
  connection.deadline = kEndOfTime;
  http2_->begin(connection, bytes);
}

// --- Sending ----------------------------------------------------------------------------------

void Front::resume_sending(Connection& connection) {
  const TimePoint now = clock_.now();
  if (!sender_.resume(connection, now)) return close(connection);
  if (connection.exchange.unsent == nullptr) {
    watch_for(connection, kReadEvents);
    if (connection.exchange.streaming()) return enqueue(connection, Place::kTurn);
  }
  finish_sending(connection, now);
}

void Front::finish_sending(Connection& connection, TimePoint now) {
  if (connection.broken) return close(connection);
  if (connection.exchange.unsent == nullptr) return protocol_of(connection).go_on(connection, now);
  watch_for(connection, EPOLLOUT);
  if (connection.deadline == kEndOfTime) sender_.begin_time(connection, now);
  rest(connection, Connection::Phase::kWriting, connection.deadline);
}

// Closing while the client still sends makes the kernel answer with a reset, which may destroy the
// response on its way (RFC 9112 section 9.6): say that we are done, and wait for the client's FIN.
void Front::half_close(Connection& connection) {
  connection.session.reset();
  if (!connection.say_end()) {  // Waits for room, as a response does.
    connection.exchange.facts().close = true;
    connection.exchange.unsent = std::make_unique<Unsent>(Message{}, nullptr);
    return finish_sending(connection, clock_.now());
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

// --- Resting ----------------------------------------------------------------------------------

void Front::rest(Connection& connection, Connection::Phase phase, TimePoint expires) {
  rest(connection, phase, reaping_of(expires));
}

void Front::rest(Connection& connection, Connection::Phase phase, Reaping expires) {
  connection.phase = phase;
  if (phase != Connection::Phase::kWriting) watch_for_tls(connection);
  connection.expires.store(expires, std::memory_order_relaxed);
  count_or_forget(connection);
  const std::uint64_t key = key_of(connection);
  const Connection::News news = connection.rest();
  if (news != Connection::kNone) look_again(key, news);
}

void Front::watch_for(Connection& connection, std::uint32_t events) {
  if (connection.tls != nullptr) connection.tls->watched_for_room = (events & EPOLLOUT) != 0;
  pool_.watch_for(connection.fd, events, connection.thread, key_of(connection));
}

bool Front::count_kept(Connection& connection) {
  if (connection.proxied) return true;
  constexpr std::size_t kKib = 1024;
  const std::size_t kib =
      std::min((connection.kept_bytes() + kKib - 1) / kKib, Connection::kKeptKibMax);
  if (kib == connection.kept_kib) return true;
  const std::uint64_t client = connection.exchange.address.client();
  const std::size_t had = connection.kept_kib;
  if (kib > had && !accounts_.take(ClientAccounts::Share::kKept, client, kib - had)) return false;
  if (kib < had) accounts_.give_back(ClientAccounts::Share::kKept, client, had - kib);
  connection.kept_kib = kib & Connection::kKeptKibMax;
  return true;
}

void Front::count_or_forget(Connection& connection) {
  if (count_kept(connection)) return;
  connection.session.reset();
  connection.exchange.facts().close = true;
  (void)count_kept(connection);
}

// --- The end ----------------------------------------------------------------------------------

void Front::on_expired(Connection& connection) {
  switch (connection.phase) {
    case Connection::Phase::kShaking:
      count(metrics_.tls_handshake_failures);
      break;
    case Connection::Phase::kReading:
      if (connection.kept_bytes() == 0 && !connection.http2) break;
      return protocol_of(connection).expire(connection);
    case Connection::Phase::kWriting:
      if (Sender::is_fast_enough(connection)) {
        sender_.begin_time(connection, clock_.now());
        return rest(connection, Connection::Phase::kWriting, connection.deadline);
      }
      count(metrics_.clients_slow);
      break;
    case Connection::Phase::kParked:
    case Connection::Phase::kLingering:
      break;
  }
  close(connection);
}

void Front::give_up(Connection& connection, const std::exception& error) noexcept {
  static LogLimit limit;
  count(metrics_.out_of_memory);
  log_warn_limited(limit, "a connection is closed, it could not be served",
                   {{"error", std::string_view(error.what())}});
  connection.broken = true;  // Sending close_notify might need memory, too.
  close(connection);
}

void Front::close(Connection& connection) noexcept {
  connection.session.reset();  // Ends what it has open, while the client can still be named.
  Exchange& exchange = connection.exchange;
  exchange.give_back_places();
  exchange.drop_stream();
  sender_.drop_unsent(exchange);
  leave_handshake(connection);
  using Share = ClientAccounts::Share;
  const std::uint64_t client = connection.exchange.address.client();
  if (connection.kept_kib != 0) accounts_.give_back(Share::kKept, client, connection.kept_kib);
  connection.kept_kib = 0;
  if (!connection.proxied) accounts_.give_back(Share::kConnections, client);
  connection.close();
  pool_.forget(connection.thread);
  connection.end_life();
  slots_.release(connection);
}

}  // namespace bide
