// core/base/clock.h: The source of time for core. Tests replace it by a clock that they set.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <chrono>

#include "core/base/mutex.h"

namespace bide {

using TimePoint = std::chrono::steady_clock::time_point;           // Deadlines, waiting.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;  // Message times, ageing out.
inline constexpr TimePoint kEndOfTime = TimePoint::max();

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
  // Sleeps on `cond` until it is notified or this clock has reached `deadline`. With kEndOfTime it
  // sleeps for an hour at most, so that every wait ends. May return early: callers loop on their
  // predicate.
  virtual void wait_until(CondVar& cond, Mutex& mutex, TimePoint deadline) REQUIRES(mutex) = 0;
};

// The machine's own clocks. One instance serves the whole process.
Clock& system_clock();

}  // namespace bide
