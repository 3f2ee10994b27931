#include "server/metrics/per_thread.h"

#include <bitset>

#include "core/base/mutex.h"

namespace bide {
namespace {

constexpr std::uint32_t kSharedNumber = kCountingThreadsMax - 1;

struct Numbers {
  Mutex mutex;
  std::bitset<kSharedNumber> taken GUARDED_BY(mutex);
};

// Never destroyed, because threads may end after main.
constinit Numbers numbers;

struct GiveBack {
  ~GiveBack() {
    if (thread_number >= kSharedNumber) return;
    MutexLock lock(numbers.mutex);
    numbers.taken.reset(thread_number);
    thread_number = kSharedNumber;  // In case the thread still counts something.
  }
};

}  // namespace

std::uint32_t take_thread_number() noexcept {
  static thread_local GiveBack at_the_end;
  static_cast<void>(at_the_end);
  MutexLock lock(numbers.mutex);
  std::uint32_t lowest = 0;
  while (lowest < kSharedNumber && numbers.taken[lowest]) ++lowest;
  if (lowest < kSharedNumber) numbers.taken.set(lowest);
  thread_number = lowest;
  return lowest;
}

}  // namespace bide
