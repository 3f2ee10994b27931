// tests/fake_clock.h: A clock that only moves when told, and wakes whoever sleeps on it.
#pragma once

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "core/base/clock.h"

namespace bide {

class FakeClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::nanoseconds(steady_.load())); }
  WallTime wall_now() const override { return WallTime(std::chrono::nanoseconds(wall_.load())); }

  // A sleeper is registered before it looks at the time, with its mutex held: advance() takes that
  // mutex after moving the time, so it cannot slip between the look and the sleep.
  void wait_until(CondVar& cond, Mutex& mutex, TimePoint deadline) override REQUIRES(mutex) {
    {
      MutexLock lock(mutex_);
      const std::pair sleeper(&cond, &mutex);
      if (std::find(sleepers_.begin(), sleepers_.end(), sleeper) == sleepers_.end()) {
        sleepers_.push_back(sleeper);
      }
    }
    if (now() >= deadline) return;
    cond.wait_until(mutex, std::chrono::steady_clock::now() + std::chrono::seconds(60));
  }

  void advance(std::chrono::nanoseconds by) {
    steady_ += by.count();
    wall_ += by.count();
    std::vector<std::pair<CondVar*, Mutex*>> sleepers;
    {
      MutexLock lock(mutex_);
      sleepers = sleepers_;
    }
    for (const auto& [cond, mutex] : sleepers) {
      MutexLock lock(*mutex);
      cond->notify_all();
    }
  }

 private:
  std::atomic<std::int64_t> steady_{1'000'000'000'000};
  std::atomic<std::int64_t> wall_{1'700'000'000'000'000'000};
  Mutex mutex_;
  std::vector<std::pair<CondVar*, Mutex*>> sleepers_ GUARDED_BY(mutex_);
};

}  // namespace bide
