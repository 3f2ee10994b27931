// Entries applied to a table of 200,000 jobs, the overview included: the cost of each on the
// watcher's thread, without decoding.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/micro/worker_entries.h"
#include "core/table/job_table.h"

namespace bide::bench {
namespace {

constexpr std::size_t kJobs = 200'000;
constexpr std::size_t kStride = 104'729;  // A prime: every job has its turn, in no order.
constexpr Epoch kEpoch = 1'769'860'800'123'456'789;

// Once for every job: it moves from `processing` to `completed`.
void apply_completion(benchmark::State& state) {
  BucketRead read(kJobs);
  bool taken = true;
  for (std::size_t i = 0; i < kJobs; ++i) {
    for (const Entry& entry : started_job(job_id(i), 1 + 4 * i))
      taken = read.absorb(entry) && taken;
  }
  JobTable table(system_clock(), {}, nullptr);
  table.install(std::move(read), kEpoch, std::chrono::nanoseconds(0));
  std::vector<Entry> events;
  events.reserve(kJobs);
  for (std::size_t i = 0; i < kJobs; ++i) {
    events.push_back(completion_of(job_id(i * kStride % kJobs), 1'000'000 + i));
  }
  std::size_t next = 0;
  for (auto _ : state) taken = table.apply(events[next++]) && taken;
  if (!taken) state.SkipWithError("not everything was taken");
}
BENCHMARK(apply_completion)->Iterations(kJobs);

}  // namespace
}  // namespace bide::bench
