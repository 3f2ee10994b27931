// An event applied to a job with four labels, by how many jobs there are: it must not grow with
// them, nor with the labels. One label is the same for all jobs, one is the job's own.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <vector>

#include "bench/micro/worker_entries.h"
#include "core/table/job_table.h"
#include "core/table/overview.h"

namespace bide::bench {
namespace {

constexpr std::size_t kStride = 104'729;  // A prime: every job has its turn, in no order.
constexpr std::size_t kRounds = 900;      // Fewer than the fewest jobs: each is completed once.
constexpr std::size_t kJobsOfARelease = 50;
constexpr Epoch kEpoch = 1'769'860'800'123'456'789;

Labels labels_of(std::size_t job) {
  return Labels(
      std::map<std::string, std::string>{{"team", "ci"},
                                         {"arch", job % 2 == 0 ? "amd64" : "arm64"},
                                         {"release", std::to_string(job / kJobsOfARelease)},
                                         {"run", job_id(job)}});
}

// `pages`: each update is followed by a look at the page of its release.
void update(benchmark::State& state, bool labelled, bool pages) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  BucketRead read(jobs);
  bool taken = true;
  for (std::size_t i = 0; i < jobs; ++i) {
    for (Entry& entry : started_job(job_id(i), 1 + 4 * i)) {
      auto* const definition = std::get_if<Definition>(&entry.what);
      if (labelled && definition != nullptr) definition->labels = labels_of(i);
      taken = read.absorb(entry) && taken;
    }
  }
  JobTable table(system_clock(), {}, nullptr);
  table.install(std::move(read), kEpoch, std::chrono::nanoseconds(0));
  std::vector<Entry> events;
  std::vector<PageQuery> queries(kRounds);
  for (std::size_t i = 0; i < kRounds; ++i) {
    const std::size_t job = i * kStride % jobs;
    events.push_back(completion_of(job_id(job), 10'000'000 + i));
    const std::string release = "release=" + std::to_string(job / kJobsOfARelease);
    queries[i].selection = std::make_shared<const Selection>(Selection{{release, "team=ci"}, {}});
  }
  std::size_t next = 0;
  for (auto _ : state) {
    taken = table.apply(events[next]) && taken;
    if (pages) benchmark::DoNotOptimize(table.overview().look(queries[next], {}).snapshot.get());
    ++next;
  }
  if (!taken) state.SkipWithError("not everything was taken");
}

void update_without_labels(benchmark::State& state) { update(state, false, false); }
void update_with_four_labels(benchmark::State& state) { update(state, true, false); }
void update_with_a_page_of_two_labels(benchmark::State& state) { update(state, true, true); }

void by_size(benchmark::internal::Benchmark* bench) {
  bench->ArgName("jobs")->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);
  bench->Iterations(kRounds);
}
BENCHMARK(update_without_labels)->Apply(by_size);
BENCHMARK(update_with_four_labels)->Apply(by_size);
BENCHMARK(update_with_a_page_of_two_labels)->Apply(by_size);

}  // namespace
}  // namespace bide::bench
