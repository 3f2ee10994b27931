// tests/server/ws_echo.cc: bide's WebSocket, from the accept loop to the frames, behind an echo:
// every message is sent back as it came. For conformance suites: `ws_echo [--listen
// 127.0.0.1:9001]` prints its URL and serves until SIGTERM.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/start_error.h"
#include "server/api/hold_time.h"
#include "server/websocket/web_socket.h"
#include "server/websocket/web_socket_handshake.h"
#include "tests/server/suite_server.h"

namespace bide {
namespace {

constexpr std::uint32_t kMessageBytesMax = 16 * 1024 * 1024;  // The suites' largest.
constexpr std::chrono::seconds kHeartbeat{25};
constexpr const char* kJob = "echo";

// A stream without news: all it says are answers.
class EchoStream final : public Stream {
 public:
  explicit EchoStream(http::Response head) : head_(std::move(head)) {}
  [[nodiscard]] http::Response take_head() override { return std::move(head_); }
  void wrap(const Record&, std::string&, std::string&) const override {}
  [[nodiscard]] bool takes_lines() const override { return true; }
  [[nodiscard]] bool append_heartbeat(std::string& out) override {
    socket_.append_ping(out);
    return true;
  }
  [[nodiscard]] std::chrono::seconds heartbeat() const override { return kHeartbeat; }
  void append_end(std::string& out, End) override {
    socket_.append_close(out, CloseCode::kGoingAway, "");
  }
  [[nodiscard]] bool listens() const override { return true; }
  [[nodiscard]] bool receive(std::string_view bytes, std::string& out, const OnToken&) override {
    const auto echo = [&](std::string_view message, bool binary) {
      const std::size_t head = out.size();
      WebSocket::append_text_head(out, message.size());
      if (binary) out[head] = '\x82';  // bide itself sends nothing but text.
      out += message;
    };
    return socket_.receive(bytes, out, echo) == WebSocket::State::kOpen;
  }

 private:
  http::Response head_;
  WebSocket socket_{kMessageBytesMax};
};

// Parks every socket on a job that nothing ever happens to.
class Echo final : public Resource {
 public:
  void handle(const http::Request& request, Exchange& exchange) override {
    exchange.serve_by(*this);
    exchange.target() = JobId(kJob);
    auto judged = judge_upgrade(request);
    if (const auto* const refused = std::get_if<http::Response>(&judged)) {
      return exchange.send(*refused);
    }
    exchange.terms.condition = Condition::final();
    exchange.prepare_stream(
        std::make_unique<EchoStream>(std::move(std::get<UpgradeAccepted>(judged).response)));
    exchange.open_stream([](const Stream&) { return ""; });
  }
  [[nodiscard]] LogPath log_path(const Target&) const override { return "/"; }
  [[nodiscard]] ParkedOn parked_on(const Target&) const override { return ParkedOn::kJobWebSocket; }

  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>&,
              Exchange& exchange) override {
    if (outcome != Outcome::kTimeout) return exchange.end_stream(Stream::End::kDrain);
    std::string ping;
    if (exchange.stream()->append_heartbeat(ping)) exchange.write(ping);
  }
  void go_on(Exchange& exchange) override {
    const TimePoint now = system_clock().now();
    if (exchange.terms.deadline <= now) exchange.terms.deadline = after(now, kHeartbeat);
    Look look;
    if (was_handed_over(exchange.park(Stage::kCondition, look))) return;
    exchange.end_stream(Stream::End::kDrain);
  }
  void receive(std::string_view bytes, Exchange& exchange) override {
    std::string answer;
    const bool goes_on = exchange.stream()->receive(bytes, answer, {});
    if (!answer.empty()) exchange.write(answer);
    if (!goes_on) exchange.end_stream(Stream::End::kProtocol);
  }
};

}  // namespace
}  // namespace bide

int main(int argc, char** argv) {
  return bide::testing::run_suite_server(
      argc, argv, {.name = "ws_echo", .scheme = "ws", .listen = "127.0.0.1:9001"},
      [](bide::testing::SuiteServer& server) {
        bide::Entry job;
        job.job_id = bide::kJob;
        job.revision = 1;
        job.what = bide::Definition{};
        if (!server.table().apply(job)) throw bide::StartError("no room for a job");
        return [echo = std::make_shared<bide::Echo>()](const auto& request, auto& exchange) {
          echo->handle(request, exchange);
        };
      });
}
