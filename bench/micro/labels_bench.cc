// An event applied to a job, by how many jobs there are and how many labels each has. Beside it,
// the least that it could cost: looking up one job in a hash table of so many. Of each four labels,
// one is the same for all jobs, one for half of them, one for 50, and one is the job's own.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
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

Labels labels_of(std::size_t job, std::size_t count) {
  std::map<std::string, std::string> labels;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i / 4);
    switch (i % 4) {
      case 0:
        labels["team" + number] = "ci";
        break;
      case 1:
        labels["release" + number] = std::to_string(job / kJobsOfARelease);
        break;
      case 2:
        labels["arch" + number] = job % 2 == 0 ? "amd64" : "arm64";
        break;
      default:
        labels["run" + number] = job_id(job);
    }
  }
  return Labels(labels);
}

// `pages`: each update is followed by a look at the page of its release.
void update(benchmark::State& state, bool pages) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  const auto labels = static_cast<std::size_t>(state.range(1));
  BucketRead read(jobs);
  bool taken = true;
  for (std::size_t i = 0; i < jobs; ++i) {
    for (Entry& entry : started_job(job_id(i), 1 + 4 * i)) {
      auto* const definition = std::get_if<Definition>(&entry.what);
      if (definition != nullptr) definition->labels = labels_of(i, labels);
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
    const std::string release = "release0=" + std::to_string(job / kJobsOfARelease);
    queries[i].selection = std::make_shared<const Selection>(Selection{{release, "team0=ci"}, {}});
  }
  std::size_t next = 0;
  for (auto _ : state) {
    taken = table.apply(events[next]) && taken;
    if (pages) benchmark::DoNotOptimize(table.overview().look(queries[next], {}).snapshot.get());
    ++next;
  }
  if (!taken) state.SkipWithError("not everything was taken");
}

void update_labelled(benchmark::State& state) { update(state, false); }
void update_with_a_page_of_two_labels(benchmark::State& state) { update(state, true); }

// A place in the bucket's array, a node, and its id: three places in memory that no cache holds.
void lookup_alone(benchmark::State& state) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  std::unordered_map<std::string, std::unique_ptr<Revision>> table;
  for (std::size_t i = 0; i < jobs; ++i) table[job_id(i)] = std::make_unique<Revision>(i);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kRounds; ++i) ids.push_back(job_id(i * kStride % jobs));
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(++*table.find(ids[next++])->second);
}

const std::vector<std::int64_t> kSizes = {1'000, 10'000, 100'000, 1'000'000};

BENCHMARK(lookup_alone)->ArgName("jobs")->ArgsProduct({kSizes})->Iterations(kRounds);
BENCHMARK(update_labelled)
    ->ArgNames({"jobs", "labels"})
    ->ArgsProduct({kSizes, {0, 1, 4, 16}})
    ->Iterations(kRounds);
BENCHMARK(update_with_a_page_of_two_labels)
    ->ArgNames({"jobs", "labels"})
    ->ArgsProduct({kSizes, {4}})
    ->Iterations(kRounds);

}  // namespace
}  // namespace bide::bench
