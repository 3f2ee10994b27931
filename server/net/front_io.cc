// The other half of server/net/front.h: writing, arming, lingering, closing.
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "server/http/problem.h"
#include "server/log/log.h"
#include "server/net/front.h"
#include "server/net/transport.h"

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
    unsent->client = connection.client();
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
  pool_.enqueue(
      [this, &connection] { guarded(connection, [&] { serve(connection, connection.input); }); });
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

void Front::on_expired(Connection& connection) {
  if (connection.phase == Connection::Phase::kShaking) count(metrics_.tls_handshake_failures);
  const bool reading = connection.phase == Connection::Phase::kReading;
  if (reading && !connection.input.empty()) {
    count(metrics_.clients_slow);
    return reject(connection, connection.input, 408,
                  connection.in_body ? "the body did not arrive in time"
                                     : "the request's head did not arrive in time");
  }
  if (reading && connection.kept_bytes() != 0) count(metrics_.clients_slow);
  if (connection.phase == Connection::Phase::kWriting) {
    if (is_fast_enough(connection)) {
      begin_write_time(connection, clock_.now());
      return rest(connection, Connection::Phase::kWriting, connection.deadline);
    }
    count(metrics_.clients_slow);
  }
  close(connection);
}

void Front::give_up(Connection& connection, const std::exception& error) noexcept {
  static LogLimit limit;
  count(metrics_.out_of_memory);
  log_warn_limited(limit, "a connection is closed, it could not be served",
                   {{"error", std::string_view(error.what())}});
  connection.broken = true;  // To say goodbye might need memory, too.
  close(connection);
}

void Front::send_out_of_memory(Connection& connection) {
  // In one piece: transmit() would put two together.
  constexpr std::string_view kResponse =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
      "Content-Type: application/problem+json\r\nContent-Length: 144\r\n\r\n"
      R"({"type":"urn:bide:problem:out-of-memory","title":"Service Unavailable","status":503,)"
      R"("detail":"out of memory","error":"out of memory","code":503})";
  constexpr std::size_t kBodyBytes = 144;
  static_assert(kResponse[kResponse.size() - kBodyBytes] == '{' && kResponse.ends_with('}'));
  count(metrics_.out_of_memory);
  count(metrics_.mine().responses[5]);
  connection.facts.close = true;
  const std::size_t left_out = connection.facts.head ? kBodyBytes : 0;
  send(connection, kResponse.substr(0, kResponse.size() - left_out), nullptr, {}, {});
}

void Front::close(Connection& connection) noexcept {
  give_back_places(connection);
  try {
    if (connection.tls != nullptr && !connection.broken) (void)connection.tls->say_end();
  } catch (const std::bad_alloc&) {
    // It goes without a goodbye.
  }
  connection.tls.reset();
  ::close(connection.fd);  // Takes it out of epoll, too.
  pool_.forget(connection.thread);
  connection.fd = -1;
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
  leave_handshake(connection);
  count_or_forget(connection);
  if (!connection.proxied) {
    accounts_.give_back(ClientAccounts::Share::kConnections, connection.client_address.client());
  }
  connection.proxied = false;
  connection.client_address = {};
  connection.end_life();
  slots_.release(connection);
}

bool Front::count_kept(Connection& connection) {
  if (connection.proxied) return true;
  constexpr std::size_t kKib = 1024;
  const std::size_t kib =
      std::min<std::size_t>((connection.kept_bytes() + kKib - 1) / kKib, UINT8_MAX);
  if (kib == connection.kept_kib) return true;
  const std::uint64_t client = connection.client_address.client();
  const std::size_t had = connection.kept_kib;
  if (kib > had && !accounts_.take(ClientAccounts::Share::kKept, client, kib - had)) return false;
  if (kib < had) accounts_.give_back(ClientAccounts::Share::kKept, client, had - kib);
  connection.kept_kib = static_cast<std::uint8_t>(kib);
  return true;
}

void Front::count_or_forget(Connection& connection) {
  if (count_kept(connection)) return;
  std::string().swap(connection.input);
  connection.facts.close = true;
  (void)count_kept(connection);
}

template <typename End>
std::size_t Front::end_oldest(Connection::Standing standing, std::size_t most, Reaping by,
                              End&& end) {
  struct Candidate {
    Reaping expires;
    Connection* connection;
    Connection::Ticket ticket;
  };
  std::vector<Candidate> candidates;
  try {
    for (std::uint32_t i = 0; i < slots_.end(); ++i) {
      Connection& connection = slots_.at(i);
      if (connection.standing() != standing) continue;
      // The ticket first, as in Reaper::look_at().
      const auto ticket = connection.idle_ticket();
      const Reaping expires = connection.expires.load(std::memory_order_relaxed);
      if (ticket && !is_before(by, expires)) candidates.push_back({expires, &connection, *ticket});
    }
  } catch (const std::bad_alloc&) {
    // The oldest of some, then.
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return is_before(a.expires, b.expires); });
  std::size_t ended = 0;
  for (const Candidate& candidate : candidates) {
    if (ended == most) break;
    if (candidate.connection->claim(candidate.ticket) && end(*candidate.connection)) ++ended;
  }
  return ended;
}

bool Front::make_room() {
  constexpr std::size_t kAtOnce = 16;  // So that it is not looked at all of them for each new one.
  const auto end = [this](Connection& connection) {
    bool ended = true;
    guarded(connection, [&] {
      // What came since is the next request.
      ended = look_ahead(connection) != Ahead::kInput && connection.kept_bytes() == 0;
      if (ended) {
        count(metrics_.connections_evicted);
        return close(connection);
      }
      connection.note(Connection::kInput);
      rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
    });
    return ended;
  };
  const Reaping any = reaping_of(clock_.now() + 2 * limits_.idle);
  return end_oldest(Connection::Standing::kIdle, kAtOnce, any, end) > 0;
}

// Handshakes that wait for room get it: a client that was given its time and did not use it makes
// room for them.
void Front::on_tick() {
  if (tls_ == nullptr) return;
  if (handshakes_.is_full()) {
    const TimePoint begun = clock_.now() - limits_.handshake_under_pressure;
    end_oldest(Connection::Standing::kShaking, SIZE_MAX, reaping_of(begun + limits_.head),
               [this](Connection& connection) {
                 guarded(connection, [&] { on_expired(connection); });
                 return true;
               });
  }
  for (std::size_t room = handshakes_.room(); room > 0; --room) {
    const auto key = handshakes_.next();
    if (!key) break;
    look_again(*key, Connection::kInput);
  }
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
  guarded(connection, [&] {
    if (connection.phase == Connection::Phase::kReading && connection.input.empty()) {
      if (look_ahead(connection) != Ahead::kInput) return half_close(connection);
      connection.note(Connection::kInput);  // Sent before we said goodbye: it is answered.
    }
    if (connection.phase == Connection::Phase::kShaking && for_good) return half_close(connection);
    rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
  });
}

}  // namespace bide
