#include "server/per_thread.h"

#include <functional>
#include <queue>
#include <vector>

#include "core/mutex.h"

namespace bide {
namespace {

struct Numbers {
  Mutex mutex;
  std::uint32_t next GUARDED_BY(mutex) = 0;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> given_back
      GUARDED_BY(mutex);
};

// Never destroyed: threads may end after main has.
Numbers& numbers() {
  static auto* const numbers = new Numbers;
  return *numbers;
}

struct GiveBack {
  ~GiveBack() {
    if (thread_number >= kCountingThreadsMax - 1) return;
    MutexLock lock(numbers().mutex);
    numbers().given_back.push(thread_number);
    thread_number = kCountingThreadsMax - 1;  // Should the thread still count something.
  }
};

}  // namespace

std::uint32_t take_thread_number() {
  static thread_local GiveBack at_the_end;
  static_cast<void>(at_the_end);
  Numbers& all = numbers();
  MutexLock lock(all.mutex);
  if (!all.given_back.empty()) {
    thread_number = all.given_back.top();
    all.given_back.pop();
  } else {
    thread_number = all.next < kCountingThreadsMax - 1 ? all.next++ : kCountingThreadsMax - 1;
  }
  return thread_number;
}

}  // namespace bide
