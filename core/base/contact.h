// core/base/contact.h: How fresh the job table is: whether NATS was heard from, and when.
//
// The watcher writes it, every request may read it (and doubt()): an answer given while NATS is
// away is true only as of last_heard().
//
// Thread safety: all methods may be called from any thread. None blocks, but for the obstacle's,
// which take a leaf mutex for a copy.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace bide {

class Contact {
 public:
  // The bucket's stream was heard at `when`: an entry or a heartbeat of its consumer, while the
  // stream answers and can be written to. Until the next one everything written before `when` has
  // been applied, short of what is on its way.
  void heard(TimePoint when) noexcept {
    last_heard_.store(when.time_since_epoch().count(), std::memory_order_release);
  }
  // TimePoint::min(): never.
  [[nodiscard]] TimePoint last_heard() const noexcept {
    return TimePoint(TimePoint::duration(last_heard_.load(std::memory_order_acquire)));
  }

  // The first full read is in the table. Stays true for good: later reads replace it at once.
  void set_ready(bool ready) noexcept { ready_.store(ready, std::memory_order_release); }
  [[nodiscard]] bool ready() const noexcept { return ready_.load(std::memory_order_acquire); }

  // The connection to NATS is up. Says nothing of the stream: for freshness ask last_heard().
  void set_connected(bool connected) noexcept {
    connected_.store(connected, std::memory_order_release);
  }
  [[nodiscard]] bool connected() const noexcept {
    return connected_.load(std::memory_order_acquire);
  }

  // Why there is nothing to read and only a person can help: a bucket that does not exist, say. One
  // line with its cure. Empty: nothing of that kind.
  void set_obstacle(std::string obstacle) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    obstacle_ = std::move(obstacle);
  }
  [[nodiscard]] std::string obstacle() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return obstacle_;
  }

  // For the watcher: somebody has seen the stream end where it cannot, by what was applied. It is
  // to be compared with what was delivered, soon.
  void doubt() noexcept { doubted_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool take_doubt() noexcept {
    return doubted_.load(std::memory_order_relaxed) &&
           doubted_.exchange(false, std::memory_order_relaxed);
  }

 private:
  std::atomic<TimePoint::rep> last_heard_{TimePoint::min().time_since_epoch().count()};
  std::atomic<bool> ready_{false};
  std::atomic<bool> connected_{false};
  std::atomic<bool> doubted_{false};
  mutable Mutex mutex_;
  std::string obstacle_ GUARDED_BY(mutex_);
};

}  // namespace bide
