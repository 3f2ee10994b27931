// tests/server/served_table.h: A job table behind the real HTTP front on a loopback port, without
// NATS: entries are applied by hand. And a client that is nothing but a socket.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "server/api/protocols.h"
#include "server/api/resources.h"
#include "server/api/router.h"
#include "server/net/acceptor.h"
#include "server/net/front.h"
#include "tests/core/job/entries.h"
#include "tests/core/table/fake_tail.h"

#include "tests/server/fake_writer.h"
#include "tests/server/http2_client.h"
#include "tests/server/net/tls_site.h"

namespace bide::testing {

class Client {
 public:
  // `source`: another of this machine's addresses, such as 127.0.0.2.
  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0,
                  const TlsDialer* dialer = usual_dialer(), const char* source = nullptr) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (source != nullptr) {
      sockaddr_in own{};
      own.sin_family = AF_INET;
      ::inet_pton(AF_INET, source, &own.sin_addr);
      ::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own);
    }
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (!connected_ || dialer == nullptr) return;
    tls_ = std::make_unique<ClientTls>(*dialer, fd_);
    connected_ = tls_->connected();
  }
  ~Client() { close(); }
  Client(Client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        tls_(std::move(other.tls_)),
        read_(std::move(other.read_)),
        spoken_(other.spoken_),
        http2_(std::move(other.http2_)) {
    if (http2_ != nullptr) http2_->send_by(raw());
  }
  Client(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  // Null: without TLS.
  [[nodiscard]] ClientTls* tls() const { return tls_.get(); }
  void send(std::string_view bytes) {
    if (speak_http2() && !spoken_ && Http2Voice::can_say(bytes)) {
      http2_ = std::make_unique<Http2Voice>(raw());
    }
    spoken_ = true;
    if (http2_ != nullptr) return http2_->send(bytes);
    send_raw(bytes);
  }
  // Whatever the tests speak.
  void send_raw(std::string_view bytes) const {
    if (tls_ != nullptr) return tls_->send(bytes);
    [[maybe_unused]] const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // From now on every send() is a segment of its own.
  void send_at_once() const {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  // With the FIN in the same segment.
  void send_last(std::string_view bytes) const {
    if (tls_ != nullptr) {
      const int on = 1;
      ::setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
      tls_->send(bytes);
      return half_close();
    }
    [[maybe_unused]] const ssize_t sent =
        ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_MORE);
    half_close();
  }
  void half_close() const {
    if (tls_ != nullptr) tls_->say_end();
    ::shutdown(fd_, SHUT_WR);
  }
  // Closes with a RST.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  // The next response, head and body. Empty: the server closed, or said nothing for 10 s.
  std::string response(bool head_only = false) {
    std::size_t end = 0;
    while ((end = read_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return "";
    }
    end += 4;
    if (!head_only) end += content_length(std::string_view(read_).substr(0, end));
    while (read_.size() < end) {
      if (!more()) return "";
    }
    std::string one = read_.substr(0, end);
    read_.erase(0, end);
    return one;
  }
  // The server closed properly: FIN, no reset, nothing more to read.
  bool at_end() {
    char byte;
    if (http2_ != nullptr) return read_.empty() && http2_->at_end();
    if (tls_ != nullptr) return read_.empty() && tls_->at_end();
    return read_.empty() && ::recv(fd_, &byte, 1, 0) == 0;
  }
  // Nothing is there to be read for so long. False: there is, or the server closed.
  [[nodiscard]] bool waits_for_bytes(std::chrono::milliseconds time) {
    pollfd descriptor{fd_, POLLIN, 0};
    while (::poll(&descriptor, 1, static_cast<int>(time.count())) != 0) {
      if (http2_ == nullptr || !more() || !read_.empty()) return false;
      // A frame that tells nothing.
    }
    return true;
  }
  // For who reads on by themselves: what has come and is not taken yet, and more of it. False: as
  // for response().
  std::string& received() { return read_; }
  bool more() {
    if (http2_ != nullptr && http2_->at_end()) return false;
    std::array<char, 65536> buffer;
    const ssize_t got = tls_ != nullptr ? tls_->receive(buffer.data(), buffer.size())
                                        : ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (http2_ == nullptr) {
      read_.append(bytes);
      return true;
    }
    http2_->take(bytes, read_);
    return true;
  }

 private:
  Http2Client::Send raw() {
    return [this](std::string_view bytes) { send_raw(bytes); };
  }
  static std::size_t content_length(std::string_view head) {
    constexpr std::string_view kName = "\r\nContent-Length: ";
    const std::size_t at = head.find(kName);
    if (at == std::string_view::npos) return 0;
    return std::stoul(std::string(head.substr(at + kName.size(), 12)));
  }

  int fd_ = -1;
  bool connected_ = false;
  std::unique_ptr<ClientTls> tls_;
  std::string read_;
  bool spoken_ = false;
  std::unique_ptr<Http2Voice> http2_;  // Null: HTTP/1.1 is spoken.
};

class ServedTable {
 public:
  static constexpr std::size_t kThreads = 2;
  // `table_clock`: another one for what the table's waiters wait for, deadlines and settling.
  // `authority`: null lets everybody read. `origins`: of pages that may.
  explicit ServedTable(Front::Limits limits = {}, JobTable::Options options = {},
                       Clock& table_clock = system_clock(), const Authority* authority = nullptr,
                       const std::vector<std::string>& origins = {},
                       const TlsContext* tls = usual_tls(), TrustedProxies proxies = {})
      : admission(system_clock(), authority, "bide_token"),
        cross_origin_(origins),
        front_(system_clock(), limits, http_metrics, access_logger_),
        table(table_clock, options, &front_.executor()),
        freshness(contact, std::chrono::seconds(5), table.catch_up()),
        hold_time_({.wait_jitter = 0}),
        resources_(hold_time_, freshness, admission, table, writer, "/api", http_metrics),
        health_(system_clock(), std::chrono::seconds(5), table, contact, metrics_, http_metrics,
                [this] {
                  return HealthResource::Numbers{front_.slots(), front_.leaving(), 100'000,
                                                 front_.unread().bytes()};
                }),
        router_("/api", false, resources_.routes(health_), admission, cross_origin_, http_metrics),
        protocols_(front_, table,
                   [this](const http::Request& request, Exchange& exchange) {
                     return instead ? instead(request, exchange)
                                    : router_.handle(request, exchange);
                   }),
        acceptor_(front_) {
    port = acceptor_.listen({.host = "127.0.0.1"}).port;
    front_.use_tls(tls);
    front_.trust(std::move(proxies));
    front_.start(protocols_.all(), kThreads);
    table.install(BucketRead(1000), 42, std::chrono::nanoseconds(0));
    table.catch_up().start(tail);
    contact.set_ready(true);
    contact.heard(system_clock().now() + std::chrono::hours(1));
    acceptor_.start();
  }
  ~ServedTable() { stop(); }
  ServedTable(const ServedTable&) = delete;
  ServedTable& operator=(const ServedTable&) = delete;

  // SIGTERM's way, while entries may still come.
  void drain() {
    if (front_.leaving()) return;
    acceptor_.stop();
    front_.drain(std::chrono::seconds(5));
  }
  // And to its end.
  void stop() {
    drain();
    table.close();
    front_.stop();
  }
  void apply(const Entry& entry) { REQUIRE(table.apply(entry)); }
  Client dial() const { return Client(port); }
  Client dial_from(const char* source) const { return Client(port, 0, usual_dialer(), source); }
  bool make_room() { return front_.make_room(); }
  [[nodiscard]] bool leaving() const { return front_.leaving(); }
  [[nodiscard]] std::size_t connections() const { return front_.connections(); }
  // Before the first request; see Protocols.
  void use_hosts(const ServedHosts& hosts) { protocols_.use_hosts(&hosts); }
  [[nodiscard]] std::size_t unread_bytes() const { return front_.unread().bytes(); }
  [[nodiscard]] Executor& executor() { return front_.executor(); }
  // bide's own resources, for who wants to do something besides (`instead`).
  [[nodiscard]] Router& router() { return router_; }

  // Polls `holds` for 10 s at most.
  template <typename Holds>
  static bool wait_until(Holds&& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  [[nodiscard]] bool wait_parked(std::size_t count) {
    return wait_until([&] { return table.parked() == count; });
  }

  HttpMetrics http_metrics;
  Contact contact;
  Admission admission;
  // Where requests go in place of bide's own resources. Set it before the first request.
  std::function<void(const http::Request&, Exchange&)> instead;

 private:
  Metrics metrics_;
  const CrossOrigin cross_origin_;
  AccessLogger access_logger_{system_clock(), AccessLog::kOff};
  Front front_;

 public:
  JobTable table;
  std::uint16_t port = 0;
  FakeTail tail{table.position()};
  Freshness freshness;
  FakeWriter writer{table};

 private:
  HoldTime hold_time_;
  Resources resources_;
  HealthResource health_;
  Router router_;
  Protocols protocols_;
  Acceptor acceptor_;
};

// Keeps all threads that watch sockets busy while it lives: what is sent meanwhile is all there
// when they look at it.
class BusyThreads {
 public:
  explicit BusyThreads(ServedTable& server) {
    const std::shared_future<void> over = over_.get_future().share();
    for (std::size_t i = 0; i < ServedTable::kThreads; ++i) {
      server.executor().run([busy = busy_, over] {
        ++*busy;
        over.wait();
      });
    }
    CHECK(ServedTable::wait_until([&] { return *busy_ == ServedTable::kThreads; }));
  }
  ~BusyThreads() { over_.set_value(); }
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;

 private:
  std::promise<void> over_;
  const std::shared_ptr<std::atomic<std::size_t>> busy_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace bide::testing
