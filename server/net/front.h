// server/net/front.h: The life of connections, from accepting a socket to closing it.
//
// The acceptor calls adopt(). From then on a connection moves between epoll, the
// pool's threads and the wait queues (server/net/connection.h describes its ownership):
//
//   at rest -> a pool thread reads -> the protocol answers -> at rest
//                                                  \-> parks -> a notifier answers -> at rest
//
// The protocol (server/net/protocol.h) reads requests and makes responses; the sender
// (server/net/sender.h) sends them. With TLS a handshake comes first (front_tls.cc); Connection
// hides the other differences.
//
// A pool thread never waits for a socket. If input or room is missing, the connection comes to
// rest, and epoll watches it.
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
    // From a request's first byte to the end of its head. With TLS also from connecting to the end
    // of the handshake.
    std::chrono::milliseconds head{10'000};
    std::chrono::milliseconds body{30'000};  // From the head to the end of the body.
    // Within this time a client must take 30 KiB, or at least a byte of a stream (Sender).
    std::chrono::milliseconds write{30'000};
    std::chrono::milliseconds linger{2'000};  // From our last byte to the client's close.
    ClientAccounts::Limits per_client{};
    std::size_t unread_bytes_max = std::size_t{32} << 20U;  // Unread answers of one client.
    // How many exchanges a connection of HTTP/2 may have at a time; 0: HTTP/2 is not spoken.
    std::uint32_t streams = 1000;
    std::uint32_t proxy_streams = 100'000;  // The same for a trusted proxy's connection.
    HandshakeGate::Limits handshakes{};
    // How long a handshake may take while others wait for room.
    std::chrono::milliseconds handshake_under_pressure{2'000};
  };

  Front(Clock& clock, const Limits& limits, HttpMetrics& metrics, AccessLogger& access_logger);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // The table needs the pool as its executor, the protocol needs the table, and this needs the
  // protocol: hence two steps.
  [[nodiscard]] Executor& executor() { return pool_; }
  // For tasks that take long: the pool's thread for bulk.
  [[nodiscard]] Executor& bulk_executor() { return pool_.bulk(); }
  // All must outlive stop().
  struct Protocols {
    Protocol& http1;
    Protocol& http2;
  };
  void start(const Protocols& protocols, std::size_t threads);
  // Before start(): all connections use TLS, but those of Unix sockets. Null: none does.
  void use_tls(const TlsContext* tls) { tls_ = tls; }
  // Before start(): the proxies whose X-Forwarded-For is believed.
  void trust(TrustedProxies proxies) { proxies_ = std::move(proxies); }

  // Takes over an accepted, connected socket, which does not block. `plain`: without TLS.
  void adopt(int fd, bool plain = false);
  // Descriptors are short: closes up to 16 idle connections, those first that have been idle for
  // longest. False: there is none. Looks at every connection.
  bool make_room();

  // From now on every response says `Connection: close`, or with HTTP/2 the client is told to open
  // no more exchanges here (GOAWAY); all else goes on as before.
  void begin_leaving();
  [[nodiscard]] bool leaving() const { return leaving_.load(std::memory_order_acquire); }
  // Leaves if it does not yet, answers parked requests, closes idle connections, and returns when
  // all are closed, or after `patience`. Stop accepting first.
  void drain(std::chrono::milliseconds patience);
  // When draining begins, a client that has just connected, or just had an answer, has so much time
  // to send a request, which may be on its way already, or to finish the TLS handshake.
  static constexpr std::chrono::milliseconds kLastCall{1000};
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
  [[nodiscard]] bool offers_http2() const { return limits_.streams != 0; }
  [[nodiscard]] Protocol& protocol_of(const Connection& connection) {
    return *(connection.http2 ? http2_ : http1_);
  }
  [[nodiscard]] const TrustedProxies& proxies() const { return proxies_; }
  // False: its client's certificate is no longer accepted.
  [[nodiscard]] bool accepts_client(Connection& connection);

  // Runs `turn`, which the owner of a connection does with it; after that the caller does not own
  // it any more. If the turn throws, because there is no memory, the connection is closed. That is
  // safe because a turn gives up ownership as its last step, and that step does not throw.
  template <typename Turn>
  void guarded(Connection& connection, Turn&& turn) noexcept {
    try {
      turn();
    } catch (const std::exception& error) {
      give_up(connection, error);
    }
  }

  // The caller owns the connection before each of these calls, and not after it.
  void rest(Connection& connection, Connection::Phase phase, TimePoint expires);
  void rest(Connection& connection, Connection::Phase phase, Reaping expires);
  // A message has been given to the sender. Calls Protocol::go_on() when the socket has taken it.
  void finish_sending(Connection& connection, TimePoint now);
  // Ends our side, and rests until the client closes, at most Limits::linger.
  void half_close(Connection& connection);
  void close(Connection& connection) noexcept;
  // Has a pool thread call Protocol::take_turn(): kNext with the tasks, kTurn behind tasks and the
  // turns of others, kBulk on the thread for bulk.
  enum class Place : std::uint8_t { kNext, kTurn, kBulk };
  void enqueue(Connection& connection, Place place);

  // Goes on with HTTP/2. `bytes`: what has been read; may be a part of the connection's session.
  void become_http2(Connection& connection, std::string_view bytes);

  // Keep ownership.

  // Has a pool thread handle `news` as if epoll had reported it. Needs no ownership. If there is no
  // memory for that, the connection is closed.
  void look_again(std::uint64_t key, Connection::News news) noexcept;
  [[nodiscard]] static std::uint64_t key_of(const Connection& connection);
  // Has epoll report room if TLS waits for it: in a handshake, or to answer a key update.
  void watch_for_tls(Connection& connection);
  // Counts the connection's kept_bytes() for its client. False: over the client's limit.
  [[nodiscard]] bool count_kept(Connection& connection);
  // The same, but if it is over the limit, input behind the current request is dropped, and the
  // connection ends with the response.
  void count_or_forget(Connection& connection);

 private:
  static constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP;

  void on_events(std::uint64_t key, Connection::News news) noexcept;
  void take_turn(Connection& connection, Connection::News news);
  void on_expired(Connection& connection);
  void on_tick();
  void say_goodbye(Connection& connection, bool for_good);
  // Claims connections of this standing and has `end` end them: at most `most`, those that expire
  // first, and only those that expire by `by`. `end` owns the connection; it returns false if it
  // did not end it. Returns how many were ended.
  template <typename End>
  std::size_t end_oldest(Connection::Standing standing, std::size_t most, Reaping by, End&& end);
  void give_up(Connection& connection, const std::exception& error) noexcept;

  // All below: the caller owns the connection before the call, and not after it, unless said
  // otherwise.
  void shake(Connection& connection);
  [[nodiscard]] bool enter_handshake(Connection& connection);  // True keeps ownership.
  void leave_handshake(Connection& connection);                // Keeps ownership.
  void resume_sending(Connection& connection);
  void linger(Connection& connection);
  // Keeps ownership. epoll reports these events from now on.
  void watch_for(Connection& connection, std::uint32_t events);

  Clock& clock_;
  const Limits limits_;
  HttpMetrics& metrics_;
  AccessLogger& access_logger_;
  Protocol* http1_ = nullptr;
  Protocol* http2_ = nullptr;
  const TlsContext* tls_ = nullptr;
  TrustedProxies proxies_;
  std::atomic<bool> leaving_{false};
  std::atomic<bool> draining_{false};
  ClientAccounts accounts_;
  Sender sender_;
  HandshakeGate handshakes_;
  ConnectionSlots slots_;
  Pool pool_;
  Reaper reaper_;
};

}  // namespace bide
