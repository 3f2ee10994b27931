// server/net/front.h: The life of connections: from the socket that is accepted to the one that is
// closed, and everything that happens to them in between.
//
// cpp-httplib's accept loop hands sockets in (adopt); from then on a connection moves between
// epoll, the pool's threads and the wait queues (see server/net/connection.h for who owns it when):
//
//   at rest -> a pool thread reads -> the protocol answers -> at rest
//                                                  \-> parks -> a notifier answers -> at rest
//
// What is read and written is the protocol's (server/net/protocol.h); how it gets out is the
// sender's (server/net/sender.h). With TLS a handshake comes first (front_tls.cc), and Connection
// makes the rest the same.
//
// A pool thread never waits for a socket: what is not there yet or not taken yet sends the
// connection back to rest, where epoll watches it.
//
// Thread safety: all public methods may be called from any thread; drain() once. Those for the
// protocol are called by the owner of the connection.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include "server/metrics/http_metrics.h"
#include "server/net/access_logger.h"
#include "server/net/client_accounts.h"
#include "server/net/connection_slots.h"
#include "server/net/handshake_gate.h"
#include "server/net/pool.h"
#include "server/net/reaper.h"
#include "server/net/sender.h"
#include "server/net/tls_context.h"
#include "server/net/trusted_proxies.h"

namespace bide {

class Protocol;

class Front {
 public:
  struct Limits {
    std::chrono::milliseconds idle{75'000};  // Keep-alive without a request.
    // From a request's first byte to its last header; and from connecting to the end of TLS's
    // handshake.
    std::chrono::milliseconds head{10'000};
    std::chrono::milliseconds body{30'000};  // From the head to the end of the body.
    // Within this time a client takes kWriteBytesMin, or of a stream at least a byte.
    std::chrono::milliseconds write{30'000};
    std::chrono::milliseconds linger{2'000};  // From our last byte to the client's close.
    ClientAccounts::Limits per_client{};
    std::size_t unread_bytes_max = std::size_t{64} << 20U;  // Of a client's answers.
    HandshakeGate::Limits handshakes{};
    // That others who wait for room leave to one that has begun.
    std::chrono::milliseconds handshake_under_pressure{2'000};
  };

  Front(Clock& clock, const Limits& limits, HttpMetrics& metrics, AccessLogger& access_logger);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // The table needs the pool as its executor, the protocol needs the table, and this needs the
  // protocol: hence two steps.
  [[nodiscard]] Executor& executor() { return pool_; }
  void start(Protocol& protocol, std::size_t threads);
  // Before start(): all connections are TLS from now on. Null: none is.
  void use_tls(const TlsContext* tls) { tls_ = tls; }
  // Before start(): whose X-Forwarded-For tells the client of a request.
  void trust(TrustedProxies proxies) { proxies_ = std::move(proxies); }

  // Takes over an accepted, connected socket.
  void adopt(int fd);
  // Closes idle connections, those first that have been idle for longest, as descriptors are short.
  // False: there is none. Looks at every connection.
  bool make_room();

  // Says `Connection: close` on every response from now on, answers what is parked, and closes idle
  // connections; returns when all are closed, or after `patience`. Stop accepting first.
  void drain(std::chrono::milliseconds patience);
  [[nodiscard]] bool draining() const { return draining_.load(std::memory_order_acquire); }
  // Ends the threads. After drain().
  void stop();

  [[nodiscard]] std::size_t connections() const { return slots_.in_use(); }
  [[nodiscard]] const ConnectionSlots& slots() const { return slots_; }
  [[nodiscard]] const UnreadBytes& unread() const { return sender_.unread(); }

  // --- For the protocol, and for exchanges ----------------------------------------------------

  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] HttpMetrics& metrics() { return metrics_; }
  [[nodiscard]] AccessLogger& access_logger() { return access_logger_; }
  [[nodiscard]] ClientAccounts& accounts() { return accounts_; }
  [[nodiscard]] UnreadBytes& unread() { return sender_.unread(); }
  [[nodiscard]] Sender& sender() { return sender_; }
  [[nodiscard]] Protocol& protocol() { return *protocol_; }
  [[nodiscard]] const TrustedProxies& proxies() const { return proxies_; }
  // False: its client's certificate was accepted once and is not any more.
  [[nodiscard]] bool accepts_client(Connection& connection);

  // Every way into what the owner of a connection does. After `turn` the caller owns it no more. A
  // turn may throw only as long as it owns the connection: giving that up is the last thing it
  // does, and does not throw. So a turn for which there is no memory ends the connection.
  template <typename Turn>
  void guarded(Connection& connection, Turn&& turn) noexcept {
    try {
      turn();
    } catch (const std::exception& error) {
      give_up(connection, error);
    }
  }

  // The caller owns the connection, and after each of these no more.
  void rest(Connection& connection, Connection::Phase phase, TimePoint expires);
  void rest(Connection& connection, Connection::Phase phase, Reaping expires);
  // A message has been sent: waits until the socket has taken it, then Protocol::go_on().
  void finish_sending(Connection& connection, TimePoint now);
  // Says that nothing follows, and waits for the client to close.
  void half_close(Connection& connection);
  void close(Connection& connection) noexcept;
  // Has a pool thread call Protocol::take_turn(). `may_wait`: others have theirs first.
  void enqueue(Connection& connection, bool may_wait);

  // Keep ownership.

  // Has a pool thread look at the connection as if epoll had told of `news`. Needs no ownership. If
  // there is no memory for that, the connection is closed.
  void look_again(std::uint64_t key, Connection::News news) noexcept;
  [[nodiscard]] static std::uint64_t key_of(const Connection& connection);
  // A handshake or the answer to a key update may wait for room, too.
  void watch_for_tls(Connection& connection);
  // Counts for its client what the connection keeps of requests, records and messages that are not
  // complete. False: that is more than one client may have kept.
  [[nodiscard]] bool count_kept(Connection& connection);
  // The same, and what was sent behind the present request is forgotten if it is too much: the
  // connection ends with the response.
  void count_or_forget(Connection& connection);

 private:
  static constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP;

  void on_events(std::uint64_t key, Connection::News news) noexcept;
  void take_turn(Connection& connection, Connection::News news);
  void on_expired(Connection& connection);
  void on_tick();
  void say_goodbye(Connection& connection, bool for_good);
  // Has `end` end connections of that standing, which it then owns: those that expire first, so
  // many at most, and only if they would have expired until `by` in any case. How many.
  template <typename End>
  std::size_t end_oldest(Connection::Standing standing, std::size_t most, Reaping by, End&& end);
  void give_up(Connection& connection, const std::exception& error) noexcept;

  // All below: the caller owns the connection, and after the call no more, unless said otherwise.
  void shake(Connection& connection);
  [[nodiscard]] bool enter_handshake(Connection& connection);  // Keeps ownership where it is true.
  void leave_handshake(Connection& connection);                // Keeps ownership.
  void resume_sending(Connection& connection);
  void linger(Connection& connection);
  // Keeps ownership. Epoll tells of these events from now on; the key is that of its life.
  void watch_for(Connection& connection, std::uint32_t events);

  Clock& clock_;
  const Limits limits_;
  HttpMetrics& metrics_;
  AccessLogger& access_logger_;
  Protocol* protocol_ = nullptr;
  const TlsContext* tls_ = nullptr;
  TrustedProxies proxies_;
  std::atomic<bool> draining_{false};
  ClientAccounts accounts_;
  Sender sender_;
  HandshakeGate handshakes_;
  ConnectionSlots slots_;
  Pool pool_;
  Reaper reaper_;
};

}  // namespace bide
