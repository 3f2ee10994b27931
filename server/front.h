// server/front.h: The connection layer: from sockets to requests, and from responses to sockets.
//
// cpp-httplib's accept loop hands sockets in (adopt); from then on a connection moves between
// epoll, the pool's threads and the lot (see server/connection.h for who owns it when):
//
//   at rest -> a pool thread reads and parses (airlock) -> handler -> response -> at rest
//                                                    \-> parked -> attendant -> response
//
// With TLS a handshake comes first (front_tls.cc), and server/transport.h makes the rest the same.
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
#include <memory>
#include <string_view>

#include "core/job_table.h"
#include "core/lot.h"
#include "server/access_logger.h"
#include "server/client_accounts.h"
#include "server/connection_slots.h"
#include "server/exchange.h"
#include "server/http_metrics.h"
#include "server/pool.h"
#include "server/reaper.h"
#include "server/served_hosts.h"
#include "server/tls_context.h"
#include "server/unread_bytes.h"

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
  };

  Front(Clock& clock, const Limits& limits, HttpMetrics& metrics, AccessLogger& access_logger);
  ~Front();

  // The table needs the pool as its crew, the handler needs the table, and this needs both: hence
  // two steps.
  [[nodiscard]] Crew& crew() { return pool_; }
  void start(JobTable& table, Handler& handler, std::size_t threads);
  // Before start(): all connections are TLS from now on. Null: none is.
  void use_tls(const TlsContext* tls) { tls_ = tls; }

  // Before start(): requests for other hosts are answered with 421. Null: none is.
  void use_hosts(const ServedHosts* hosts) { hosts_ = hosts; }

  // Takes over an accepted, connected socket.
  void adopt(int fd);

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
  static constexpr std::size_t kWriteBytesMin = 30 * 1024;  // 1 KiB a second.

  void on_events(std::uint64_t key, Connection::News news);
  void on_events_while_parked(Connection& connection, Connection::News news);
  void on_answer(Connection& connection, Outcome outcome,
                 std::shared_ptr<const Snapshot> snapshot) noexcept override;
  void on_expired(Connection& connection);
  void say_goodbye(Connection& connection, bool for_good);

  // All below: the caller owns the connection, and after the call no more, unless said otherwise.
  void shake(Connection& connection);
  void read(Connection& connection);
  void serve(Connection& connection, std::string_view bytes);
  // `bytes`: what has arrived of the request.
  void reject(Connection& connection, std::string_view bytes, int status, std::string_view detail);
  void refuse_host(std::string_view host, Exchange& exchange);  // Keeps ownership.
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
  void wait_for_request(Connection& connection, TimePoint since);
  void wait_for_rest_of(Connection& connection, std::string_view partial);
  void begin(Connection& connection, const httplib::Request& request);  // Keeps ownership.
  void close(Connection& connection);

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
  [[nodiscard]] std::uint64_t client_of(Connection& connection);
  // By the connection's holder and terms. Keeps ownership if the request was not parked (kReady,
  // kFull, kDraining). `key` must not be the connection's own: that may be gone meanwhile.
  [[nodiscard]] Lot::Parked park(Connection& connection, std::string_view key, Lot::Look& look);
  // Keeps ownership. A FIN that is here already, right behind the request, is no goodbye.
  static void look_for_fin(Connection& connection);
  // All three keep ownership. See Exchange.
  void charge(Connection& connection);
  [[nodiscard]] bool take_places(Connection& connection, std::uint16_t places);
  void give_back_places(Connection& connection);
  // Has a pool thread look at the connection as if epoll had told of `news`. Needs no ownership.
  void look_again(std::uint64_t key, Connection::News news);
  // Keeps ownership. Epoll tells of these events from now on; the key is that of its life.
  void watch_for(Connection& connection, std::uint32_t events);
  // Keeps ownership. A handshake may wait for room, too.
  void watch_for_tls(Connection& connection);
  [[nodiscard]] static std::uint64_t key_of(const Connection& connection);

  Clock& clock_;
  const Limits limits_;
  HttpMetrics& metrics_;
  AccessLogger& access_logger_;
  JobTable* table_ = nullptr;
  Handler* handler_ = nullptr;
  const TlsContext* tls_ = nullptr;
  const ServedHosts* hosts_ = nullptr;
  std::atomic<bool> draining_{false};
  ClientAccounts accounts_;
  UnreadBytes unread_;
  ConnectionSlots slots_;
  Pool pool_;
  Reaper reaper_;
};

}  // namespace bide
