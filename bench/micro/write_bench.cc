// What a request that writes costs beside a GET: its body is read, and an entry is made of it and
// checked as the watcher will check it. And the other end: that entry decoded, with its labels.
#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <variant>

#include "bench/micro/worker_entries.h"
#include "core/base/json_text.h"
#include "core/job/entry_codec.h"
#include "core/job/new_entry.h"
#include "server/api/write_body.h"

namespace bide::bench {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1'769'860'800)};

http::Request with_body(std::string body) {
  http::Request request;
  request.body = std::move(body);
  return request;
}

void parse_event_of(benchmark::State& state, std::string body) {
  const http::Request request = with_body(std::move(body));
  const std::string id = job_id(1);
  for (auto _ : state) {
    const auto entry = parse_event(request, id, kNow);
    if (!std::holds_alternative<NewEntry>(entry)) return state.SkipWithError("a bad body");
    benchmark::DoNotOptimize(entry);
  }
}

void parse_event_as_word(benchmark::State& state) { parse_event_of(state, "started"); }
BENCHMARK(parse_event_as_word);

void parse_event_as_form(benchmark::State& state) {
  parse_event_of(state, "event=failed&agent=web-01&error=no+space+left+on+%2Fvar");
}
BENCHMARK(parse_event_as_form);

void parse_event_as_json(benchmark::State& state) {
  parse_event_of(state,
                 R"({"event":"failed","agent":"web-01","timestamp":"2026-01-31T12:00:00.5Z",)"
                 R"("data":{"error":"no space left on /var"}})");
}
BENCHMARK(parse_event_as_json);

void parse_progress(benchmark::State& state) {
  parse_event_of(state, "progress=40&message=linking");
}
BENCHMARK(parse_progress);

std::string labels_json(std::size_t count) {
  JsonText json;
  json.begin_object();
  for (std::size_t i = 0; i < count; ++i) json.member("label-" + std::to_string(i), job_id(i));
  json.end_object();
  return json.take();
}

void parse_definition_by_labels(benchmark::State& state) {
  const auto labels = static_cast<std::size_t>(state.range(0));
  const http::Request request =
      with_body(R"({"operation":{"do":"build"},"labels":)" + labels_json(labels) + "}");
  const std::string id = job_id(1);
  for (auto _ : state) {
    const auto entry = parse_definition(request, id, kNow);
    if (!std::holds_alternative<NewEntry>(entry)) return state.SkipWithError("a bad body");
    benchmark::DoNotOptimize(entry);
  }
}
BENCHMARK(parse_definition_by_labels)->ArgName("labels")->Arg(0)->Arg(1)->Arg(4)->Arg(16);

void decode_definition_by_labels(benchmark::State& state) {
  NewDefinition definition;
  definition.job_id = job_id(1);
  definition.labels = labels_json(static_cast<std::size_t>(state.range(0)));
  const NewEntry entry = definition_entry(definition, kNow);
  for (auto _ : state) benchmark::DoNotOptimize(decoded({entry.key, entry.value}, 1));
}
BENCHMARK(decode_definition_by_labels)->ArgName("labels")->Arg(0)->Arg(1)->Arg(4)->Arg(16);

void make_event_entry(benchmark::State& state) {
  const NewEvent event{job_id(1), EventKind::kFailed, "web-01", R"({"error":"no space"})"};
  for (auto _ : state) benchmark::DoNotOptimize(event_entry(event, kNow));
}
BENCHMARK(make_event_entry);

void make_definition_entry(benchmark::State& state) {
  NewDefinition definition;
  definition.job_id = job_id(1);
  definition.labels = labels_json(4);
  for (auto _ : state) benchmark::DoNotOptimize(definition_entry(definition, kNow));
}
BENCHMARK(make_definition_entry);

}  // namespace
}  // namespace bide::bench
