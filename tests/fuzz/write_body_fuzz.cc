// What a client writes over HTTP: every body that is taken becomes an entry that bide itself reads
// as the same job and event, and every refusal is a status of the contract that says why.
//
// Input: the Content-Type on the first line, then the body.
#include <string>

#include "core/job/entry_codec.h"
#include "server/api/write_body.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

constexpr WallTime kNow{std::chrono::seconds(1'714'557'600)};

void check(const std::variant<NewEntry, BadQuery>& parsed, bool defines) {
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    demand(bad->status == 400 || bad->status == 413 || bad->status == 415 || bad->status == 422,
           "a refusal's status");
    demand(!bad->detail.empty() && bad->detail.size() < 400, "it says why, and shortly");
    return;
  }
  const auto& entry = std::get<NewEntry>(parsed);
  demand(entry.key.find_first_of(" *>\r\n") == std::string::npos, "the key is a subject");
  const auto decoded = decode(RawEntry{
      .key = entry.key, .value = entry.value, .deleted = false, .revision = 1, .written = {}});
  demand(std::holds_alternative<Entry>(decoded), "bide reads what it writes");
  const auto& read = std::get<Entry>(decoded);
  demand(read.job_id == "j", "it is of that job");
  demand(std::holds_alternative<Definition>(read.what) == defines, "it is what was asked for");
  demand(!read.takes_away(), "and takes nothing away");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = text_of(data, size);
  const std::string_view type = take_until(input, "\n");
  http::Request request;
  if (!type.empty()) request.headers.emplace("Content-Type", std::string(type));
  request.body = input;
  check(parse_event(request, "j", kNow), false);
  const auto definition = parse_definition(request, "j", kNow);
  check(definition, true);
  if (const auto* const entry = std::get_if<NewEntry>(&definition)) {
    demand(define_the_same(*entry, *entry), "a definition is the same as itself");
  }
  return 0;
}
