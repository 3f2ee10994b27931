#include "core/base/clock.h"

#include <algorithm>

namespace bide {
namespace {

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() const override { return std::chrono::system_clock::now(); }
  void wait_until(CondVar& cond, Mutex& mutex, TimePoint deadline) override REQUIRES(mutex) {
    // TimePoint::max() overflows inside pthread_cond_clockwait's timespec on some libcs.
    cond.wait_until(mutex, std::min(deadline, now() + std::chrono::hours(1)));
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace bide
