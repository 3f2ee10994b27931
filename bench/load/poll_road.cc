// Asks on a timetable whether anything is new; nothing is held.
#include <algorithm>

#include "bench/load/road.h"

namespace bench::load {
namespace {

class PollRoad : public Road {
 public:
  // `conditional`: with If-None-Match, so that only news come with a body.
  PollRoad(const RoadTimes& times, bool conditional) : times_(times), conditional_(conditional) {}

  void append_request(std::string& out, const Question& question) const override {
    append_get(out, question, "");
    if (conditional_) return append_condition(out, question);
    out += "\r\n";
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return times_.every; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override {
    return std::chrono::seconds(10);
  }
  // Everybody polls once more, even those whose last poll is late.
  [[nodiscard]] std::chrono::nanoseconds drain() const override {
    return std::max(times_.wait, 2 * times_.every);
  }

 private:
  const RoadTimes times_;
  const bool conditional_;
};

}  // namespace

std::unique_ptr<Road> make_poll_road(const RoadTimes& times) {
  return std::make_unique<PollRoad>(times, true);
}

std::unique_ptr<Road> make_plain_poll_road(const RoadTimes& times) {
  return std::make_unique<PollRoad>(times, false);
}

}  // namespace bench::load
