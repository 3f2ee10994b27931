// The other half of server/front.h: writing, arming, lingering, closing.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

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
  if (connection.unsent != nullptr) {  // Behind `100 Continue` or a stream's end: rare, so copied.
    connection.unsent->tail.append(text).append(body).append(tail);
    return;
  }
  const ssize_t sent = transmit(connection, text, body, tail);
  if (sent < 0) {
    connection.broken = true;
    return;
  }
  if (static_cast<std::size_t>(sent) == text.size() + body.size() + tail.size()) return;
  connection.unsent = std::make_unique<Connection::Unsent>();
  *connection.unsent = {std::string(text), owner, body, std::string(tail)};
  connection.unsent->take(static_cast<std::size_t>(sent));
}

void Front::resume_writing(Connection& connection) {
  Connection::Unsent& unsent = *connection.unsent;
  const ssize_t sent = transmit(connection, unsent.text, unsent.body, unsent.tail);
  if (sent < 0) return close(connection);
  unsent.take(static_cast<std::size_t>(sent));
  if (unsent.empty()) {
    connection.unsent.reset();
    watch_for(connection, kReadEvents);
    if (connection.stream != nullptr) return await_turn(connection);
  }
  after_response(connection, clock_.now());
}

void Front::after_response(Connection& connection, TimePoint now) {
  if (connection.broken) return close(connection);
  if (connection.unsent != nullptr) {
    watch_for(connection, EPOLLOUT);
    return rest(connection, Connection::Phase::kWriting, now + limits_.write);
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
    connection.unsent = std::make_unique<Connection::Unsent>();
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
  if (connection.phase == Connection::Phase::kWriting) count(metrics_.clients_slow);
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
  connection.unsent.reset();
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
