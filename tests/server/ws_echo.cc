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
constexpr std::string_view kJob = "echo";

// A stream without news: all it says are answers.
class EchoStream final : public Stream {
 public:
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
  WebSocket socket_{kMessageBytesMax};
};

// Parks every socket on a job that nothing ever happens to.
class Echo final : public Handler, public Holder {
 public:
  explicit Echo(Lot& lot) : lot_(lot) {}

  void handle(const httplib::Request& request, Exchange& exchange) override {
    auto judged = judge_upgrade(request);
    if (const auto* const refused = std::get_if<httplib::Response>(&judged)) {
      return exchange.send(*refused, log_path(kJob));
    }
    Waiter::Terms terms;
    terms.condition = Condition::final();
    exchange.open_stream(*this, kJob, std::move(terms), std::make_unique<EchoStream>(),
                         std::get<UpgradeAccepted>(judged).response, "");
  }
  [[nodiscard]] Lot& lot() override { return lot_; }
  [[nodiscard]] LogPath log_path(std::string_view) const override { return "/"; }
  [[nodiscard]] ParkedOn parked_on(std::string_view) const override {
    return ParkedOn::kJobWebSocket;
  }

  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>&,
              Exchange& exchange) override {
    if (outcome != Outcome::kTimeout) return exchange.end_stream(Stream::End::kDrain);
    std::string ping;
    if (exchange.stream()->append_heartbeat(ping)) exchange.write(ping);
  }
  void go_on(Exchange& exchange) override {
    const TimePoint now = system_clock().now();
    if (exchange.terms().deadline <= now) exchange.terms().deadline = after(now, kHeartbeat);
    Lot::Parked parked{};
    Lot::Look look;
    if (exchange.park_stream(parked, look) == Exchange::Park::kParked) return;
    exchange.end_stream(Stream::End::kDrain);
  }
  void receive(std::string_view bytes, Exchange& exchange) override {
    std::string answer;
    const bool goes_on = exchange.stream()->receive(bytes, answer, {});
    if (!answer.empty()) exchange.write(answer);
    if (!goes_on) exchange.end_stream(Stream::End::kProtocol);
  }

 private:
  Lot& lot_;
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
        return std::make_unique<bide::Echo>(server.table());
      });
}
