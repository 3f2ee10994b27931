#include "server/net/front.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>

#include "server/http/problem.h"
#include "server/http1/airlock.h"
#include "server/http1/response_writer.h"
#include "server/log/log.h"
#include "server/net/transport.h"

namespace bide {
namespace {

// What one read takes: a head is at most 24 KiB, a pipelined burst may be more.
constexpr std::size_t kReadBytes = 32'768;

// Of those that a client has pipelined; then others have their turn.
constexpr int kRequestsPerTurn = 16;

Connection::News news_of(std::uint32_t events) {
  unsigned news = Connection::kNone;
  if ((events & (EPOLLIN | EPOLLOUT)) != 0) news |= Connection::kInput;
  if ((events & EPOLLRDHUP) != 0) news |= Connection::kFin;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) news |= Connection::kReset;
  return static_cast<Connection::News>(news);
}

// Whether what was sent so far is a HEAD request, whose answer has no content in any case.
bool is_head(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes.starts_with("HEAD ");
}

}  // namespace

Front::Front(Clock& clock, const Limits& limits, HttpMetrics& metrics, AccessLogger& access_logger)
    : clock_(clock),
      limits_(limits),
      metrics_(metrics),
      access_logger_(access_logger),
      accounts_(limits.per_client),
      unread_(limits.unread_bytes_max),
      handshakes_(limits.handshakes),
      pool_([this](std::uint64_t key, std::uint32_t events) { on_events(key, news_of(events)); }),
      reaper_(
          clock, slots_,
          [this](Connection& connection) { guarded(connection, [&] { on_expired(connection); }); },
          [this] { on_tick(); }) {}

Front::~Front() { stop(); }

void Front::start(JobTable& table, Handler& handler, std::size_t threads) {
  table_ = &table;
  handler_ = &handler;
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

void Front::adopt(int fd) {
  using Share = ClientAccounts::Share;
  const ClientAddress address = ClientAddress::of_peer(fd);
  const bool proxied = proxies_.trusts(address);
  const auto refuse = [&](ConnectionRefusal why) {
    count(metrics_.refused(why));
    ::close(fd);
  };
  if (draining()) return refuse(ConnectionRefusal::kDraining);
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
  connection->sink = this;
  connection->fd = fd;
  connection->client_address = address;
  connection->proxied = proxied;
  connection->thread = *thread;
  if (tls_ != nullptr) {
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
      // Edge-triggered: the FIN behind the last bytes is told of now or never.
      if ((news & ~Connection::kInput) != 0) connection.note(news);
      return read(connection);
    case Connection::Phase::kParked:
      return on_events_while_parked(connection, news);
    case Connection::Phase::kWriting:
      return resume_writing(connection);
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
    if (connection.phase == Connection::Phase::kParked) unpark(connection);
    close(connection);
  }
}

// --- Reading ----------------------------------------------------------------------------------

void Front::read(Connection& connection) {
  thread_local std::array<char, kReadBytes> buffer;
  const ssize_t got = receive(connection, buffer);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    // Part of a TLS record is part of a request, too.
    if (connection.kept_bytes() != 0) return wait_for_rest_of(connection, connection.input);
    // Nothing has come, or TLS records without data: they earn the client no more time.
    connection.deadline = kEndOfTime;
    return rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
  }
  if (got <= 0) return close(connection);
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (connection.input.empty()) return serve(connection, bytes);
  connection.input += bytes;
  serve(connection, connection.input);
}

void Front::serve(Connection& connection, std::string_view bytes) {
  thread_local httplib::Request request;
  for (int requests = 0; !bytes.empty(); ++requests) {
    if (requests == kRequestsPerTurn) {
      connection.input = bytes;
      return pool_.enqueue_turn([this, &connection] {
        guarded(connection, [&] { serve(connection, connection.input); });
      });
    }
    const Step step = advance(bytes, connection.progress, request);
    if (step.need == Step::Need::kReject) {
      return reject(connection, bytes, step.status, step.detail);
    }
    if (step.need == Step::Need::kMore) {
      if (step.wants_continue) send(connection, kContinue, nullptr, {}, {});
      return wait_for_rest_of(connection, bytes.substr(0, step.keep_bytes));
    }
    if (!accepts_client(connection)) return half_close(connection);
    bytes.remove_prefix(step.consumed_bytes);
    begin(connection, request);
    Exchange exchange(*this, connection, bytes);
    ask_resource(connection, exchange, [&] {
      if (hosts_ == nullptr || hosts_->serves(step.host)) {
        handler_->handle(request, exchange);
      } else {
        refuse_host(*step.host, exchange);
      }
    });
    if (exchange.handed_over()) return;
    const TimePoint now = clock_.now();
    if (connection.stream != nullptr) {
      look_for_fin(connection);
    } else {
      metrics_.mine().service.observe(now - connection.facts.received);
    }
    if (connection.broken || connection.unsent != nullptr || connection.facts.close ||
        connection.stream != nullptr) {
      connection.input = bytes;
      return after_response(connection, now);
    }
  }
  wait_for_request(connection, connection.facts.received);
}

void Front::refuse_host(std::string_view host, Exchange& exchange) {
  static LogLimit limit;
  constexpr std::size_t kLoggedBytes = 64;
  count(metrics_.rejected(421));
  log_warn_limited(limit, "refused a request for a Host that is not served; see --allowed-host",
                   {{"host", host.substr(0, kLoggedBytes)}});
  exchange.send(problem(421,
                        "without --auth this Host is not served: ask for localhost or the host of "
                        "--listen, or start bide with --allowed-host and this name"),
                "-");
}

void Front::begin(Connection& connection, const httplib::Request& request) {
  connection.progress = {};
  connection.deadline = kEndOfTime;
  connection.in_body = false;
  connection.facts = {};
  connection.only_if.reset();
  if (connection.proxied) {
    connection.client_address =
        proxies_.client_of(ClientAddress::of_peer(connection.fd), request.headers);
  }
  connection.facts.received = clock_.now();
  connection.facts.head = request.method == "HEAD";
  connection.facts.other = !connection.facts.head && request.method != "GET";
  connection.facts.http10 = request.version == "HTTP/1.0";
  connection.facts.close = !keep_alive(request) || draining() ||
                           (connection.tls != nullptr && connection.tls->is_worn());
}

void Front::wait_for_request(Connection& connection, TimePoint since) {
  std::string().swap(connection.input);
  connection.deadline = kEndOfTime;
  rest(connection, Connection::Phase::kReading, since + limits_.idle);
}

// The time for a request runs from its first byte, not from its latest: a client that sends a byte
// now and then gains nothing.
void Front::wait_for_rest_of(Connection& connection, std::string_view partial) {
  const TimePoint now = clock_.now();
  connection.input = partial;
  if (connection.deadline == kEndOfTime) connection.deadline = now + limits_.head;
  if (connection.progress.head_bytes != 0 && !connection.in_body) {
    connection.in_body = true;
    connection.deadline = now + limits_.body;
  }
  if (!count_kept(connection)) {
    return reject(connection, connection.input, 429, "this client has too many requests half sent");
  }
  rest(connection, Connection::Phase::kReading, connection.deadline);
}

void Front::reject(Connection& connection, std::string_view bytes, int status,
                   std::string_view detail) {
  count(metrics_.rejected(status));
  connection.deadline = kEndOfTime;
  connection.facts = RequestFacts{};
  if (connection.proxied) connection.client_address = ClientAddress::of_peer(connection.fd);
  connection.facts.head = is_head(bytes);
  connection.facts.received = clock_.now();
  connection.facts.close = true;
  Exchange exchange(*this, connection, {});
  exchange.send(problem(status, detail), "-");
  after_response(connection, connection.facts.received);
}

}  // namespace bide
