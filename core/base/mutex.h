// core/base/mutex.h: The standard mutex and condition variable, with annotations the compiler can
// check.
//
// clang's -Wthread-safety proves at compile time that members marked GUARDED_BY are used only under
// their lock. The types of libstdc++ carry no annotations, so these wrap them. g++ ignores the
// annotations.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define BIDE_TSA(x) __attribute__((x))
#else
#define BIDE_TSA(x)
#endif
#define CAPABILITY(x) BIDE_TSA(capability(x))
#define SCOPED_CAPABILITY BIDE_TSA(scoped_lockable)
#define GUARDED_BY(x) BIDE_TSA(guarded_by(x))
#define REQUIRES(...) BIDE_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) BIDE_TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) BIDE_TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) BIDE_TSA(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS BIDE_TSA(no_thread_safety_analysis)

namespace bide {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Every wait has a deadline, so a lost notification causes a delay that can be seen, not a hang.
class CondVar {
 public:
  // Releases `mutex`, sleeps until it is notified or `deadline` has come, and locks `mutex` again.
  // May return early.
  void wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait_until(lock, deadline);
    lock.release();  // The caller's MutexLock still owns it.
  }
  void notify_one() noexcept { cond_.notify_one(); }
  void notify_all() noexcept { cond_.notify_all(); }

 private:
  std::condition_variable cond_;
};

}  // namespace bide
