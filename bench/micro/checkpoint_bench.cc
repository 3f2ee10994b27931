// What a checkpoint costs for each job that is over: copying it from the table and writing it as
// bytes; and at the start reading it from bytes, and installing it.
#include <benchmark/benchmark.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "bench/micro/worker_entries.h"
#include "core/job/job_bytes.h"
#include "core/table/job_table.h"
#include "core/table/table_loader.h"

namespace bide::bench {
namespace {

constexpr std::size_t kJobs = 200'000;
constexpr Epoch kEpoch = 1'769'860'800'123'456'789;
constexpr std::size_t kBlockBytes = 1 << 20;

void fill(JobTable& table) {
  BucketRead read(kJobs);
  bool taken = true;
  for (std::size_t i = 0; i < kJobs; ++i) {
    for (Entry entry : finished_job(job_id(i))) {
      entry.revision += 5 * i;
      taken = read.absorb(entry) && taken;
    }
  }
  if (taken) table.install(std::move(read), kEpoch, std::chrono::nanoseconds(0));
}

std::vector<std::string> save(JobTable& table) {
  std::vector<std::string> blocks(1);
  table.begin_cut();
  for (CutStep step = CutStep::kMore; step == CutStep::kMore;) {
    JobCopies copies;
    step = table.take_of_cut(copies);
    for (const auto& copy : copies) {
      if (blocks.back().size() >= kBlockBytes) blocks.emplace_back();
      append_job(blocks.back(), *copy);
    }
  }
  table.end_cut();
  return blocks;
}

void save_jobs(benchmark::State& state) {
  JobTable table(system_clock(), {}, nullptr);
  fill(table);
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const std::string& block : save(table)) bytes += block.size();
  }
  state.SetItemsProcessed(state.iterations() * kJobs);
  state.counters["bytes_per_job"] = static_cast<double>(bytes) / kJobs;
}
BENCHMARK(save_jobs)->Unit(benchmark::kMillisecond);

// By so many threads.
void load_jobs(benchmark::State& state) {
  const auto threads = static_cast<std::size_t>(state.range(0));
  std::vector<std::string> blocks;
  {
    JobTable table(system_clock(), {}, nullptr);
    fill(table);
    blocks = save(table);
  }
  const bool installs = state.range(1) != 0;
  for (auto _ : state) {
    TableLoader loader(2, threads, UINT64_MAX);
    std::atomic<bool> good = true;
    {
      std::vector<std::jthread> readers;
      for (std::size_t thread = 0; thread < threads; ++thread) {
        readers.emplace_back([&, thread] {
          for (std::size_t i = thread; i < blocks.size(); i += threads) {
            if (!loader.read(thread, blocks[i])) good = false;
          }
        });
      }
    }
    {
      std::vector<std::jthread> joiners;
      for (std::size_t shard = 0; shard < 2; ++shard) {
        joiners.emplace_back([&, shard] {
          if (!loader.join(shard)) good = false;
        });
      }
    }
    auto read = loader.finish(5 * kJobs, kJobs, 0);
    if (!good || !read) state.SkipWithError("damaged");
    if (installs) {
      JobTable table(system_clock(), {}, nullptr);
      table.install(std::move(*read), kEpoch, std::chrono::nanoseconds(0));
      state.PauseTiming();
      table.close();
    } else {
      state.PauseTiming();
      read.reset();
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kJobs);
}
BENCHMARK(load_jobs)
    ->MeasureProcessCPUTime()
    ->Args({1, 0})
    ->Args({2, 0})
    ->Args({2, 1})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bide::bench
