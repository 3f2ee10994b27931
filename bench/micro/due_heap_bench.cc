// The deadlines of a shard with 10,000 requests parked: one comes, one leaves.
#include <benchmark/benchmark.h>

#include <deque>

#include "bench/micro/due_times.h"
#include "core/parking/due_heap.h"

namespace bide::bench {
namespace {

class IdleWaiter final : public Waiter {
 public:
  [[nodiscard]] bool present(std::uint64_t) const noexcept override { return true; }
  [[nodiscard]] bool try_claim() noexcept override { return true; }
  void answer(Outcome, std::shared_ptr<const Snapshot>) noexcept override {}
  void lose() noexcept override {}
};

constexpr std::size_t kParked = 10'000;
constexpr std::size_t kStride = 7919;  // A prime: every waiter has its turn.

// Clients leave when their job is done, which is in no order of deadlines.
void insert_and_erase_due(benchmark::State& state) {
  DueTimes due;
  DueHeap heap;
  std::deque<IdleWaiter> waiters(kParked);
  for (IdleWaiter& waiter : waiters) heap.insert(waiter, due.next());
  std::size_t next = 0;
  for (auto _ : state) {
    IdleWaiter& waiter = waiters[next];
    heap.erase(waiter);
    heap.insert(waiter, due.next());
    next = (next + kStride) % kParked;
  }
}
BENCHMARK(insert_and_erase_due);

}  // namespace
}  // namespace bide::bench
