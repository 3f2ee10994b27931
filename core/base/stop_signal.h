// core/base/stop_signal.h: Tells threads to stop. A thread that pauses on it wakes up at once.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <chrono>

#include "core/base/mutex.h"

namespace bide {

class StopSignal {
 public:
  void request() {
    MutexLock lock(mutex_);
    requested_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool requested() {
    MutexLock lock(mutex_);
    return requested_;
  }
  // Blocks for `duration`, or until request(). Returns whether to stop.
  bool wait_for(std::chrono::milliseconds duration) {
    const auto deadline = std::chrono::steady_clock::now() + duration;
    MutexLock lock(mutex_);
    while (!requested_ && std::chrono::steady_clock::now() < deadline) {
      changed_.wait_until(mutex_, deadline);
    }
    return requested_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool requested_ GUARDED_BY(mutex_) = false;
};

}  // namespace bide
