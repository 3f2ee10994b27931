// server/net/front.h: The connection layer: from sockets to requests, and from responses to
// sockets.
//
// cpp-httplib's accept loop hands sockets in (adopt); from then on a connection moves between
// epoll, the pool's threads and the lot (see server/net/connection.h for who owns it when):
//
//   at rest -> a pool thread reads and parses (airlock) -> handler -> response -> at rest
//                                                    \-> parked -> attendant -> response
//
// With TLS a handshake comes first (front_tls.cc), and server/net/transport.h makes the rest the
// same.
//
// A stream goes round: record -> parked -> attendant -> record. While its socket is full it is not
// parked, so what comes meanwhile is not queued: the next record tells the newest state.
//
// A pool thread never waits for a socket: what is not there yet or not taken yet sends the
// connection back to rest, where epoll watches it.
//
// Thread safety: all public methods may be called from any thread; drain() once.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <string_view>

#include "core/parking/lot.h"
#include "core/table/job_table.h"
#include "server/http/served_hosts.h"
#include "server/metrics/http_metrics.h"
#include "server/net/access_logger.h"
#include "server/net/client_accounts.h"
#include "server/net/connection_slots.h"
#include "server/net/exchange.h"
#include "server/net/handshake_gate.h"
#include "server/net/pool.h"
#include "server/net/reaper.h"
#include "server/net/tls_context.h"
#include "server/net/trusted_proxies.h"
#include "server/net/unread_bytes.h"

namespace bide {

class Front final : private AnswerSink {
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

  // The table needs the pool as its executor, the handler needs the table, and this needs both:
  // hence two steps.
  [[nodiscard]] Executor& executor() { return pool_; }
  void start(JobTable& table, Handler& handler, std::size_t threads);
  // Before start(): all connections are TLS from now on. Null: none is.
  void use_tls(const TlsContext* tls) { tls_ = tls; }

  // Before start(): requests for other hosts are answered with 421. Null: none is.
  void use_hosts(const ServedHosts* hosts) { hosts_ = hosts; }

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
  [[nodiscard]] const UnreadBytes& unread() const { return unread_; }

 private:
  friend class Exchange;
  static constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP;
  static constexpr std::size_t kWriteBytesMin = 30U << 10;  // 1 KiB a second.

  void on_events(std::uint64_t key, Connection::News news) noexcept;
  void take_turn(Connection& connection, Connection::News news);
  void on_events_while_parked(Connection& connection, Connection::News news);
  void on_answer(Connection& connection, Outcome outcome,
                 std::shared_ptr<const Snapshot> snapshot) noexcept override;
  void on_lost(Connection& connection) noexcept override;
  void on_expired(Connection& connection);
  void on_tick();
  void say_goodbye(Connection& connection, bool for_good);
  // Has `end` end connections of that standing, which it then owns: those that expire first, so
  // many at most, and only if they would have expired until `by` in any case. How many.
  template <typename End>
  std::size_t end_oldest(Connection::Standing standing, std::size_t most, Reaping by, End&& end);

  // Every way into what follows. `turn` deals with a connection that the caller owns and after it
  // no more. A turn may throw only as long as it owns the connection: giving that up is the last
  // thing it does, and does not throw. So a turn for which there is no memory ends the connection.
  template <typename Turn>
  void guarded(Connection& connection, Turn&& turn) noexcept {
    try {
      turn();
    } catch (const std::exception& error) {
      give_up(connection, error);
    }
  }
  void give_up(Connection& connection, const std::exception& error) noexcept;
  // Calls a resource. Without memory for the answer it is a 503, unless part of one has been sent.
  template <typename Call>
  void ask_resource(Connection& connection, Exchange& exchange, Call&& call) {
    try {
      call();
    } catch (const std::bad_alloc&) {
      if (exchange.handed_over()) return;
      if (exchange.has_begun() || connection.stream != nullptr) throw;
      send_out_of_memory(connection);
    }
  }

  // All below: the caller owns the connection, and after the call no more, unless said otherwise.
  void shake(Connection& connection);
  [[nodiscard]] bool enter_handshake(Connection& connection);  // Keeps ownership where it is true.
  void leave_handshake(Connection& connection);                // Keeps ownership.
  void read(Connection& connection);
  void serve(Connection& connection, std::string_view bytes);
  // `bytes`: what has arrived of the request.
  void reject(Connection& connection, std::string_view bytes, int status, std::string_view detail);
  void refuse_host(std::string_view host, Exchange& exchange);  // Keeps ownership.
  void unpark(Connection& connection);  // Keeps ownership, which was the lot's.
  void hang_up(Connection& connection, Connection::News news);
  void hear(Connection& connection, Connection::News news);
  void look_at_records(Connection& connection);
  void park_again(Connection& connection);
  void left(Connection& connection, Connection::News news);  // Unparked; perhaps only half-closed.
  void leave(Connection& connection);                        // The client has left.
  void finish(Connection& connection, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot);
  void after_response(Connection& connection, TimePoint now);
  void go_on(Connection& connection);
  void await_turn(Connection& connection);
  void resume_writing(Connection& connection);
  void linger(Connection& connection);
  void half_close(Connection& connection);
  void rest(Connection& connection, Connection::Phase phase, TimePoint expires);
  void rest(Connection& connection, Connection::Phase phase, Reaping expires);
  void wait_for_request(Connection& connection, TimePoint since);
  void wait_for_rest_of(Connection& connection, std::string_view partial);
  void begin(Connection& connection, const httplib::Request& request);  // Keeps ownership.
  void close(Connection& connection) noexcept;

  // Keeps ownership. Needs no memory.
  void send_out_of_memory(Connection& connection);
  // Keep ownership, and are for metrics.
  Tally& parked_tally(const Connection& connection);
  void note_answer(const Connection& connection, bool was_stream, TimePoint now);
  void drop_stream(Connection& connection);
  // Keeps ownership, as all below. Sends what the socket takes and keeps the rest in
  // connection.unsent; breaks the connection where the client has left too much unread.
  void send(Connection& connection, std::string_view text,
            const std::shared_ptr<const Snapshot>& owner, std::string_view body,
            std::string_view tail);
  void keep_unsent(Connection& connection, const Message& message,
                   const std::shared_ptr<const Snapshot>& owner);
  void drop_unsent(Connection& connection);
  [[nodiscard]] static bool is_fast_enough(const Connection& connection);
  void begin_write_time(Connection& connection, TimePoint now);
  // By the connection's holder and terms. Keeps ownership if the request was not parked (kReady,
  // kFull, kDraining). `key` must not be the connection's own: that may be gone meanwhile.
  [[nodiscard]] Lot::Parked park(Connection& connection, std::string_view key, Lot::Look& look);
  // Keeps ownership. A FIN that is here already, right behind the request, is no goodbye.
  static void look_for_fin(Connection& connection);
  // Keeps ownership. What a stream's client has said; the stream ends where too much is kept of it.
  void take_said(Connection& connection, std::string_view bytes, Exchange& exchange);
  // Keeps ownership. Counts for its client what the connection keeps of requests, records and
  // messages that are not complete. False: that is more than one client may have kept.
  [[nodiscard]] bool count_kept(Connection& connection);
  // Keeps ownership. The same, and what was sent behind the present request is forgotten if it is
  // too much: the connection ends with the response.
  void count_or_forget(Connection& connection);
  // All three keep ownership. See Exchange.
  void charge(Connection& connection);
  [[nodiscard]] bool take_places(Connection& connection, std::uint16_t places);
  void give_back_places(Connection& connection);
  // Has a pool thread look at the connection as if epoll had told of `news`. Needs no ownership. If
  // there is no memory for that, the connection is closed.
  void look_again(std::uint64_t key, Connection::News news) noexcept;
  // Keeps ownership. Epoll tells of these events from now on; the key is that of its life.
  void watch_for(Connection& connection, std::uint32_t events);
  // Keeps ownership. A handshake or the answer to a key update may wait for room, too.
  void watch_for_tls(Connection& connection);
  // Keeps ownership. False: its client's certificate was accepted once and is not any more.
  [[nodiscard]] bool accepts_client(Connection& connection);
  [[nodiscard]] static std::uint64_t key_of(const Connection& connection);

  Clock& clock_;
  const Limits limits_;
  HttpMetrics& metrics_;
  AccessLogger& access_logger_;
  JobTable* table_ = nullptr;
  Handler* handler_ = nullptr;
  const TlsContext* tls_ = nullptr;
  const ServedHosts* hosts_ = nullptr;
  TrustedProxies proxies_;
  std::atomic<bool> draining_{false};
  ClientAccounts accounts_;
  UnreadBytes unread_;
  HandshakeGate handshakes_;
  ConnectionSlots slots_;
  Pool pool_;
  Reaper reaper_;
};

}  // namespace bide
