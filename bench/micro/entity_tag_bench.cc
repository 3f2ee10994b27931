// Entity tags: written when a job is rendered, read with every conditional request.
#include <benchmark/benchmark.h>

#include "core/job/entity_tag.h"

namespace bide::bench {
namespace {

constexpr EntityTag kTag{1'769'860'800'123'456'789, 4711, 0x0123'4567'89ab'cdef};

// The newest last, as a cache lists what it holds.
std::string field_of(std::uint64_t tags) {
  std::string field;
  for (std::uint64_t i = tags; i > 0; --i) {
    const EntityTag tag{kTag.epoch, kTag.revision - i + 1, kTag.hash};
    if (!field.empty()) field += ", ";
    field += '"' + opaque_tag(tag) + '"';
  }
  return field;
}

void write_tag(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(opaque_tag(kTag));
}
BENCHMARK(write_tag);

void parse_tag(benchmark::State& state) {
  const std::string text = opaque_tag(kTag);
  for (auto _ : state) benchmark::DoNotOptimize(parse_opaque_tag(text));
}
BENCHMARK(parse_tag);

void parse_validators(benchmark::State& state) {
  const std::string field = field_of(static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(ValidatorList::parse(field));
}
BENCHMARK(parse_validators)->ArgName("tags")->Arg(1)->Arg(10);

void match_validators(benchmark::State& state) {
  const auto list = ValidatorList::parse(field_of(static_cast<std::uint64_t>(state.range(0))));
  if (!list || !list->matches(kTag)) return state.SkipWithError("the tag should be listed");
  for (auto _ : state) {
    EntityTag current = kTag;
    benchmark::DoNotOptimize(current);
    benchmark::DoNotOptimize(list->matches(current));
  }
}
BENCHMARK(match_validators)->ArgName("tags")->Arg(1)->Arg(10);

}  // namespace
}  // namespace bide::bench
