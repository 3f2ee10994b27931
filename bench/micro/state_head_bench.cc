// The head of a response laid out; the body is sent from the snapshot as it is.
#include <benchmark/benchmark.h>

#include "bench/micro/worker_entries.h"
#include "core/job/job.h"
#include "server/api/state_head.h"

namespace bide::bench {
namespace {

void lay_out(benchmark::State& state, bool known, Outcome outcome, const RequestFacts& facts) {
  Job job(job_id(1));
  for (const Entry& entry : finished_job(job_id(1))) benchmark::DoNotOptimize(job.absorb(entry));
  const auto snapshot = make_snapshot(job, 1'769'860'800'123'456'789);
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_state_head(out, *snapshot, MediaType::kJson, known ? &snapshot->json.tag : nullptr,
                      outcome, facts, std::chrono::milliseconds(1234));
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.counters["head_bytes"] = static_cast<double>(out.size());
}

void lay_out_200(benchmark::State& state) { lay_out(state, false, Outcome::kNow, {}); }
BENCHMARK(lay_out_200);

void lay_out_200_held(benchmark::State& state) {
  RequestFacts facts;
  facts.held = true;
  facts.wait_ms = 30'000;
  lay_out(state, false, Outcome::kDone, facts);
}
BENCHMARK(lay_out_200_held);

void lay_out_304(benchmark::State& state) { lay_out(state, true, Outcome::kNow, {}); }
BENCHMARK(lay_out_304);

}  // namespace
}  // namespace bide::bench
