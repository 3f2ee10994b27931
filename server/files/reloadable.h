// server/files/reloadable.h: What is in force until a newer one is: read by many threads, replaced
// by few.
//
// Thread safety: all methods may be called from any thread. The lock is a leaf and held for a copy
// of a pointer; std::atomic<std::shared_ptr> would do the same with a lock that g++ 12's thread
// sanitizer does not understand.
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

  // To be taken before what is to be installed is read: of two who read at the same time, the one
  // that began later has the newer.
  [[nodiscard]] std::uint64_t take_turn() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return ++turns_;
  }
  // Does nothing if what is in force began to be read later.
  void install(std::uint64_t turn, std::shared_ptr<const T> next) EXCLUDES(mutex_) {
    {
      const MutexLock lock(mutex_);
      if (turn < turn_) return;
      turn_ = turn;
      std::swap(current_, next);
    }
    // `next`, the old one, may die here: outside the lock.
  }

 private:
  mutable Mutex mutex_;
  std::uint64_t turns_ GUARDED_BY(mutex_) = 0;
  std::uint64_t turn_ GUARDED_BY(mutex_) = 0;  // Of what is in force.
  std::shared_ptr<const T> current_ GUARDED_BY(mutex_);
};

}  // namespace bide
