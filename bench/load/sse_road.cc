// Opens a stream of server-sent events, as EventSource does, and again where it left off.
#include "bench/load/event_answers.h"
#include "bench/load/road.h"

namespace bench::load {
namespace {

constexpr std::chrono::seconds kHeartbeat(15);

class SseRoad : public Road {
 public:
  explicit SseRoad(const RoadTimes& times) : times_(times) {}

  void append_request(std::string& out, const Question& question) const override {
    append_get(out, question, "/events");
    out += "Accept: text/event-stream\r\n";
    if (!question.tag.empty()) {
      out.append("Last-Event-ID: ").append(opaque(question.tag)).append("\r\n");
    }
    out += "\r\n";
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return {}; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override { return 3 * kHeartbeat; }
  [[nodiscard]] std::chrono::nanoseconds drain() const override { return times_.wait; }
  [[nodiscard]] std::unique_ptr<AnswerReader> make_reader() const override {
    return std::make_unique<EventAnswers>();
  }

 private:
  const RoadTimes times_;
};

}  // namespace

std::unique_ptr<Road> make_sse_road(const RoadTimes& times) {
  return std::make_unique<SseRoad>(times);
}

}  // namespace bench::load
