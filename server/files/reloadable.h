// server/files/reloadable.h: An object that stays in use until a newer one replaces it. Many
// threads read it, few replace it.
//
// Thread safety: all methods may be called from any thread. The lock is a leaf, held to copy one
// pointer. std::atomic<std::shared_ptr> would do the same, but g++ 12's thread sanitizer does not
// understand its lock.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/base/mutex.h"

namespace bide {

template <typename T>
class Reloadable {
 public:
  // Null before the first install().
  [[nodiscard]] std::shared_ptr<const T> get() const EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return current_;
  }

  // To be called before the new object is read from its files. If two threads read at the same
  // time, the one that began later has the newer object.
  [[nodiscard]] std::uint64_t take_turn() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return ++turns_;
  }
  // Does nothing if the current object has a later turn.
  void install(std::uint64_t turn, std::shared_ptr<const T> next) EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      if (turn < turn_) return;
      turn_ = turn;
      std::swap(current_, next);
    }
    // `next` is the old object, and is destroyed here, outside the lock.
  }

 private:
  mutable Mutex mutex_;
  std::uint64_t turns_ GUARDED_BY(mutex_) = 0;
  std::uint64_t turn_ GUARDED_BY(mutex_) = 0;  // Of the current object.
  std::shared_ptr<const T> current_ GUARDED_BY(mutex_);
};

}  // namespace bide
