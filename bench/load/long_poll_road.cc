// Asks to be held until there is news, and again at once.
#include "bench/load/road.h"

namespace bench::load {
namespace {

class LongPollRoad : public Road {
 public:
  explicit LongPollRoad(std::chrono::milliseconds wait)
      : wait_(wait), suffix_("?wait=" + std::to_string(wait.count()) + "ms") {}

  // An unknown job is a 404 at once, unless the client waits for it to exist.
  void append_request(std::string& out, const Question& question) const override {
    append_get(out, question, question.missing ? suffix_ + "&until=exists" : suffix_);
    append_condition(out, question);
  }
  [[nodiscard]] std::chrono::nanoseconds period() const override { return {}; }
  [[nodiscard]] std::chrono::nanoseconds patience() const override {
    return wait_ + std::chrono::seconds(10);
  }
  [[nodiscard]] std::chrono::nanoseconds drain() const override { return wait_; }

 private:
  const std::chrono::milliseconds wait_;
  const std::string suffix_;
};

}  // namespace

std::unique_ptr<Road> make_long_poll_road(const RoadTimes& times) {
  return std::make_unique<LongPollRoad>(times.wait);
}

}  // namespace bench::load
