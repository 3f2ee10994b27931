// core/base/contact.h: How fresh the job table is: whether bide is connected to NATS, and when it
// last heard from the bucket's stream.
//
// The watcher writes it and requests read it: an answer that is given while NATS is away is true as
// of last_heard().
//
// Thread safety: all methods may be called from any thread. They do not block, except that the
// obstacle is copied under a leaf mutex.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace bide {

class Contact {
 public:
  // An entry or a heartbeat of the consumer came at `when`, and the stream answers and can be
  // written to. Everything that was written before `when` has been applied, except what is still
  // being delivered.
  void heard(TimePoint when) noexcept {
    last_heard_.store(when.time_since_epoch().count(), std::memory_order_release);
  }
  // TimePoint::min(): never.
  [[nodiscard]] TimePoint last_heard() const noexcept {
    return TimePoint(TimePoint::duration(last_heard_.load(std::memory_order_acquire)));
  }

  // The table shows the first full read. Stays true: later reads replace it at once.
  void set_ready(bool ready) noexcept { ready_.store(ready, std::memory_order_release); }
  [[nodiscard]] bool ready() const noexcept { return ready_.load(std::memory_order_acquire); }

  // The time since then; the longest there is: nothing was heard yet.
  [[nodiscard]] TimePoint::duration silence(TimePoint now) const noexcept {
    const TimePoint heard = last_heard();
    return heard == TimePoint::min() ? TimePoint::duration::max() : now - heard;
  }
  // The connection to NATS is up. For freshness use last_heard(): a server may be connected and
  // have no stream.
  void set_connected(bool connected) noexcept {
    connected_.store(connected, std::memory_order_release);
  }
  [[nodiscard]] bool connected() const noexcept {
    return connected_.load(std::memory_order_acquire);
  }

  // Why the bucket cannot be read until a person helps, for example because it does not exist: one
  // line, with the remedy. Empty: there is no such reason.
  void set_obstacle(std::string obstacle) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    obstacle_ = std::move(obstacle);
  }
  [[nodiscard]] std::string obstacle() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return obstacle_;
  }

  // Asks the watcher to compare the stream with what was delivered, soon: the stream was seen to
  // end before the entries that were applied.
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
