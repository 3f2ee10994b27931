// What a server answers to STREAM.INFO: where a bucket's keys stand, whatever its configuration is.
//
// Input: the answer.
#include "server/nats/login/bucket_config.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse_bucket_config("q", text_of(data, size));
  const auto* const config = std::get_if<BucketConfig>(&parsed);
  if (config == nullptr) return 0;
  demand(config->keys.key_of("$KV.q.jobs.a") == "jobs.a", "its own subjects are keys");
  for (const std::string& subject : config->keys.subjects_of("jobs.a")) {
    demand(subject.ends_with(".jobs.a"), "a key ends its subjects");
  }
  demand(config->keys.filter() == "$KV.q.>" || config->keys.filter() == ">", "a consumer's filter");
  demand(config->sources.size() <= 256, "so many sources at most");
  demand(config->powers.size() <= writer_powers().size(), "each power once");
  return 0;
}
