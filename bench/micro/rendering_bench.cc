// A job rendered under the shard's mutex: once for each change, if a request wants its state.
#include <benchmark/benchmark.h>

#include "bench/micro/worker_entries.h"
#include "core/job/job.h"

namespace bide::bench {
namespace {

void render(benchmark::State& state, const std::vector<Entry>& entries) {
  Job job(job_id(1));
  for (const Entry& entry : entries) benchmark::DoNotOptimize(job.absorb(entry));
  constexpr Epoch kEpoch = 1'769'860'800'123'456'789;
  for (auto _ : state) benchmark::DoNotOptimize(make_snapshot(job, kEpoch));
  state.counters["json_bytes"] =
      static_cast<double>(make_snapshot(job, kEpoch)->as(MediaType::kJson).bytes.size());
}

void render_job_of_5_entries(benchmark::State& state) { render(state, finished_job(job_id(1))); }
BENCHMARK(render_job_of_5_entries);

// 400 entries and a definition.
void render_job_of_100_agents(benchmark::State& state) {
  render(state, finished_broadcast(job_id(1), 100));
}
BENCHMARK(render_job_of_100_agents);

}  // namespace
}  // namespace bide::bench
