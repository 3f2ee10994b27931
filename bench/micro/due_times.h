// bench/micro/due_times.h: When parked requests are due, in the order in which they come.
//
// Thread safety: none; one thread.
#pragma once

#include <chrono>
#include <random>

#include "core/base/clock.h"

namespace bide::bench {

// 10,000 clients, each asking for 55 s again and again, of which the server takes off up to a
// sixteenth at random: a new deadline falls among the later ones, seldom behind all of them. All
// are an hour away, so that none passes while it is measured.
class DueTimes {
 public:
  [[nodiscard]] TimePoint next() {
    next_ += std::chrono::microseconds(5'500);
    return next_ - std::chrono::milliseconds(early_(random_));
  }

 private:
  TimePoint next_ = std::chrono::steady_clock::now() + std::chrono::hours(1);
  std::minstd_rand random_{1};
  std::uniform_int_distribution<int> early_{0, 55'000 / 16};
};

}  // namespace bide::bench
