// Bytes from the bucket to an entry: the cost of every write of a worker on the watcher's thread.
#include <benchmark/benchmark.h>

#include "bench/micro/worker_entries.h"
#include "core/job/entry_codec.h"

namespace bide::bench {
namespace {

void decode_again(benchmark::State& state, const Written& written) {
  const RawEntry raw{.key = written.key, .value = written.value, .revision = 7, .written = {}};
  for (auto _ : state) benchmark::DoNotOptimize(decode(raw));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(written.value.size()));
}

void decode_event(benchmark::State& state) {
  decode_again(state, event_of(job_id(1), "started", agent_name(1), 3));
}
BENCHMARK(decode_event);

void decode_definition(benchmark::State& state) {
  decode_again(state, definition_of(job_id(1), "jobs.modify._any"));
}
BENCHMARK(decode_definition);

void decode_response(benchmark::State& state) {
  decode_again(state, response_of(job_id(1), agent_name(1), 4));
}
BENCHMARK(decode_response);

void decode_enveloped_event(benchmark::State& state) {
  decode_again(state, enveloped(event_of(job_id(1), "started", agent_name(1), 3)));
}
BENCHMARK(decode_enveloped_event);

}  // namespace
}  // namespace bide::bench
