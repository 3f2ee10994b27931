// core/parking/drain_pace.h: How fast the parked requests are answered when the server drains, so
// that their clients do not come back to other servers in one wave.
//
// All queues share one pace: together they answer so many a second, in steps of kStep.
//
// Thread safety: try_take() from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/base/clock.h"

namespace bide {

class DrainPace {
 public:
  // A queue that has more to answer looks again after this time.
  static constexpr std::chrono::milliseconds kStep{5};

  DrainPace(TimePoint from, double per_second) : from_(from), per_second_(per_second) {}

  // True: one more request may be answered at `now`.
  [[nodiscard]] bool try_take(TimePoint now) {
    const std::chrono::duration<double> since = now - from_ + kStep;
    const auto due = static_cast<std::uint64_t>(since.count() * per_second_);
    if (taken_.fetch_add(1, std::memory_order_relaxed) < due) return true;
    taken_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }

 private:
  const TimePoint from_;
  const double per_second_;
  std::atomic<std::uint64_t> taken_{0};
};

}  // namespace bide
