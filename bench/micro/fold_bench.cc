// Entries folded into a job, without the table around it.
#include <benchmark/benchmark.h>

#include <optional>

#include "bench/micro/worker_entries.h"
#include "core/job/job.h"

namespace bide::bench {
namespace {

void fold_job_of_5_entries(benchmark::State& state) {
  const std::vector<Entry> entries = finished_job(job_id(1));
  for (auto _ : state) {
    Job job(job_id(1));
    for (const Entry& entry : entries) benchmark::DoNotOptimize(job.absorb(entry));
    benchmark::DoNotOptimize(job.final());
  }
}
BENCHMARK(fold_job_of_5_entries);

// A job grows by what it takes in, so it is built anew, off the clock, before it has grown much.
// Stopping the clock costs a microsecond: hence many events to one stop.
void fold_event_into_100_agents(benchmark::State& state) {
  constexpr std::size_t kAgents = 100;
  const std::vector<Entry> before = acknowledged_broadcast(job_id(1), kAgents);
  std::vector<Entry> events;
  for (std::size_t i = 0; i < kAgents; i += 2) {
    events.push_back(decoded(event_of(job_id(1), "started", agent_name(i), 3), 1000 + i));
  }
  std::optional<Job> job;
  while (state.KeepRunningBatch(static_cast<std::int64_t>(events.size()))) {
    state.PauseTiming();
    job.emplace(job_id(1));
    for (const Entry& entry : before) benchmark::DoNotOptimize(job->absorb(entry));
    state.ResumeTiming();
    for (const Entry& event : events) benchmark::DoNotOptimize(job->absorb(event));
  }
}
BENCHMARK(fold_event_into_100_agents);

// One event of many, written again: it leaves its place and comes last.
void fold_event_written_again(benchmark::State& state) {
  const auto agents = static_cast<std::size_t>(state.range(0));
  const std::vector<Entry> before = acknowledged_broadcast(job_id(1), agents);
  Job job(job_id(1));
  for (const Entry& entry : before) benchmark::DoNotOptimize(job.absorb(entry));
  Revision revision = before.back().revision;
  std::size_t next = 0;
  for (auto _ : state) {
    Entry again = before[1 + next++ % agents];
    again.revision = ++revision;
    benchmark::DoNotOptimize(job.absorb(again));
  }
}
BENCHMARK(fold_event_written_again)->Arg(10)->Arg(1'000)->Arg(19'900);

}  // namespace
}  // namespace bide::bench
