// Opens a WebSocket, and again where it left off.
#include "bench/load/road.h"
#include "bench/load/socket_answers.h"

namespace bench::load {
namespace {

constexpr std::chrono::seconds kPingInterval(25);

class WsRoad : public Road {
 public:
  explicit WsRoad(const RoadTimes& times) : times_(times) {}

  // A page in a browser cannot add fields to the handshake, so the last tag is in the query.
  void append_request(std::string& out, const Question& question) const override {
    std::string suffix = "/ws";
    if (!question.tag.empty()) suffix.append("?last_event_id=").append(opaque(question.tag));
    append_get(out, question, suffix);
    out.append("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    out.append("Sec-WebSocket-Key: ").append(kSampleKey).append("\r\n\r\n");
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return {}; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override { return 3 * kPingInterval; }
  [[nodiscard]] std::chrono::nanoseconds drain() const override { return times_.wait; }
  [[nodiscard]] std::unique_ptr<AnswerReader> make_reader() const override {
    return std::make_unique<SocketAnswers>();
  }

 private:
  const RoadTimes times_;
};

}  // namespace

std::unique_ptr<Road> make_ws_road(const RoadTimes& times) {
  return std::make_unique<WsRoad>(times);
}

}  // namespace bench::load
