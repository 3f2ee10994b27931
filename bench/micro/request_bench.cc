// Reading a request: the request parser parses its head, then its query is parsed.
#include <benchmark/benchmark.h>

#include <variant>

#include "bench/micro/requests.h"
#include "bench/micro/worker_entries.h"
#include "server/api/job_query.h"
#include "server/http1/request_parser.h"

namespace bide::bench {
namespace {

std::string plain_get() { return get("/job/" + job_id(1)); }

std::string conditional_get() {
  const std::string etag =
      '"' + opaque_tag({1'769'860'800'123'456'789, 4711, 0x0123'4567'89ab'cdef}) + '"';
  return get("/job/" + job_id(1), if_none_match(etag) + "Prefer: wait=30\r\n");
}

std::string waiting_get() { return get("/job/" + job_id(1) + "?until=done&wait=30s"); }

void read_head(benchmark::State& state, const std::string& head) {
  http::Request request;  // Reused, as the threads of the pool do.
  for (auto _ : state) {
    Progress progress;
    const Step step = advance(head, progress, request);
    if (step.need != Step::Need::kComplete) return state.SkipWithError("not a request");
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

void read_plain_get(benchmark::State& state) { read_head(state, plain_get()); }
BENCHMARK(read_plain_get);

void read_conditional_get(benchmark::State& state) { read_head(state, conditional_get()); }
BENCHMARK(read_conditional_get);

void read_waiting_get(benchmark::State& state) { read_head(state, waiting_get()); }
BENCHMARK(read_waiting_get);

void parse_query_of(benchmark::State& state, const std::string& head) {
  http::Request request;
  Progress progress;
  const Step step = advance(head, progress, request);
  if (step.need != Step::Need::kComplete) return state.SkipWithError("not a request");
  for (auto _ : state) {
    const auto query = parse_job_query(request);
    if (!std::holds_alternative<JobQuery>(query)) return state.SkipWithError("a bad query");
    benchmark::DoNotOptimize(query);
  }
}

void parse_plain_query(benchmark::State& state) { parse_query_of(state, plain_get()); }
BENCHMARK(parse_plain_query);

void parse_conditional_query(benchmark::State& state) { parse_query_of(state, conditional_get()); }
BENCHMARK(parse_conditional_query);

void parse_waiting_query(benchmark::State& state) { parse_query_of(state, waiting_get()); }
BENCHMARK(parse_waiting_query);

}  // namespace
}  // namespace bide::bench
