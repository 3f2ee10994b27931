// An event applied and a page of all jobs rendered after it, by how many jobs there are: it must
// not grow with them.
#include <benchmark/benchmark.h>

#include <optional>
#include <vector>

#include "bench/micro/worker_entries.h"
#include "core/table/job_table.h"
#include "core/table/overview.h"
#include "core/table/target.h"

namespace bide::bench {
namespace {

constexpr std::size_t kStride = 104'729;  // A prime: every job has its turn, in no order.
constexpr std::size_t kRounds = 900;      // Fewer than the fewest jobs: each is completed once.
constexpr Epoch kEpoch = 1'769'860'800'123'456'789;

void update(benchmark::State& state, const Overview::Query& query) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  BucketRead read(jobs);
  bool taken = true;
  for (std::size_t i = 0; i < jobs; ++i) {
    for (const Entry& entry : started_job(job_id(i), 1 + 4 * i)) {
      taken = read.absorb(entry) && taken;
    }
  }
  JobTable table(system_clock(), {}, nullptr);
  table.install(std::move(read), kEpoch, std::chrono::nanoseconds(0));
  std::vector<Entry> events;
  for (std::size_t i = 0; i < kRounds; ++i) {
    events.push_back(completion_of(job_id(i * kStride % jobs), 10'000'000 + i));
  }
  std::size_t next = 0;
  for (auto _ : state) {
    taken = table.apply(events[next++]) && taken;
    benchmark::DoNotOptimize(table.overview().look(query, {}).snapshot.get());
  }
  if (!taken) state.SkipWithError("not everything was taken");
}

void update_statistics(benchmark::State& state) { update(state, std::nullopt); }
void update_first_page(benchmark::State& state) { update(state, PageQuery()); }
void update_middle_page(benchmark::State& state) {
  PageQuery query;
  query.offset = static_cast<std::size_t>(state.range(0)) / 2;
  update(state, query);
}

void by_size(benchmark::internal::Benchmark* bench) {
  bench->ArgName("jobs")->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);
  bench->Iterations(kRounds);
}
BENCHMARK(update_statistics)->Apply(by_size);
BENCHMARK(update_first_page)->Apply(by_size);
BENCHMARK(update_middle_page)->Apply(by_size);

}  // namespace
}  // namespace bide::bench
