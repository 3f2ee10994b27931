// The codec and the fold: what is taken is rendered as JSON that a validating parser reads, keys in
// their order; and a job that lived through its entries has the bytes of one that reads what is
// left of them in the bucket, in any order.
//
// Input: entries with a blank line between them, revisions 1, 2, ...: the key on the first line
// (with a `-` before it: deleted), the value on those after it.
#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json_object.h"
#include "core/job/entry_codec.h"
#include "core/job/job.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

constexpr std::size_t kEntriesMax = 200;

constexpr std::array<std::string_view, 14> kMembers = {
    "id",      "status",    "final",  "created",   "updated_at",   "hostname", "error",
    "changed", "operation", "result", "responses", "agent_states", "timeline", "revision"};

JsonObject parsed(std::string_view json) {
  // A worker's value of the greatest depth stands within the representation.
  auto object = JsonObject::parse(json, {"id", "status", "revision", "agent_states"},
                                  kJsonDepthMax + 8, JsonDuplicates::kRefused);
  demand(std::holds_alternative<JsonObject>(object), "a representation is a JSON object");
  return std::get<JsonObject>(std::move(object));
}

void check_order(std::string_view json) {
  auto next = kMembers.begin();
  for (const RawJsonMember& member : split_json_object(json)) {
    next = std::find(next, kMembers.end(), member.name);
    demand(next != kMembers.end(), "members are known, in order, and there once");
    ++next;
  }
}

void check_agents(const JsonMember& agents) {
  std::string before;
  for (const RawJsonMember& agent : split_json_object(agents.raw)) {
    const auto name = parse_string_array("[\"" + std::string(agent.name) + "\"]");
    demand(name && before < name->front(), "agents are sorted by name, each there once");
    before = name->front();
  }
}

void check_line(const std::string& json, std::string line) {
  if (line.empty()) {
    demand(json.find_first_of("\r\n") == std::string::npos, "it is on one line");
    return;
  }
  demand(line.find_first_of("\r\n") == std::string::npos, "the line is one");
  demand(line.size() == json.size(), "the line has the same bytes");
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (json[i] == '\r' || json[i] == '\n') line[i] = json[i];
  }
  demand(line == json, "the line says the same");
}

void check_snapshot(const Job& job) {
  const auto snapshot = make_snapshot(job, 1);
  const JsonObject object = parsed(snapshot->json.bytes);
  check_order(snapshot->json.bytes);
  check_agents(object["agent_states"]);
  demand(object["id"].text == job.id(), "the id");
  demand(object["status"].text == word_of(job.status()), "the status");
  demand(object["revision"].raw == std::to_string(job.revision()), "the revision");
  demand(snapshot->json.tag.hash == hash_of(snapshot->json.bytes), "the hash in the tag");
  demand(snapshot->text.bytes == std::string(word_of(job.status())) + '\n', "the word");
  demand(!job.final() || is_terminal(job.status()), "what is final is terminal");
  check_line(snapshot->json.bytes, snapshot->json_line);
}

// What clients could compare. Empty: there is no such job for them.
std::string view_of(const Job& job) {
  if (!job.defined()) return {};
  const auto snapshot = make_snapshot(job, 1);
  return snapshot->json.bytes + snapshot->json.etag() + snapshot->text.etag();
}

std::vector<Entry> decode_all(std::string_view input) {
  std::vector<Entry> entries;
  Revision revision = 0;
  while (!input.empty() && revision < kEntriesMax) {
    std::string_view value = take_until(input, "\n\n");
    std::string_view key = take_until(value, "\n");
    const bool deleted = key.starts_with('-');
    if (deleted) key.remove_prefix(1);
    const auto second = static_cast<std::int64_t>(++revision);
    auto decoded = decode({.key = key,
                           .value = value,
                           .deleted = deleted,
                           .revision = revision,
                           .written = WallTime(std::chrono::seconds(second))});
    if (const auto* rejection = std::get_if<Rejection>(&decoded)) {
      demand(!word_of(rejection->reason).empty() && !rejection->detail.empty(), "it says why");
      continue;
    }
    entries.push_back(std::get<Entry>(std::move(decoded)));
    demand(is_job_id(entries.back().job_id), "an entry speaks of a job");
  }
  return entries;
}

using Key = std::pair<Entry::Family, std::string>;

struct Life {
  explicit Life(const std::string& id) : job(id) {}
  Job job;
  std::vector<Entry> history;
  std::map<Key, Entry> newest;
};

// One entry of a job that lives, and what it may do to what clients see.
void live(Life& life, const Entry& entry) {
  Job& job = life.job;
  const std::string before = view_of(job);
  const Key key(entry.family, entry.key_rest);
  const auto absorbed = job.absorb(entry);
  demand(absorbed <= Job::Absorbed::kUnchanged, "there is room");
  demand((view_of(job) != before) == (absorbed == Job::Absorbed::kChanged), "kChanged is so");
  life.newest.insert_or_assign(key, entry);
  life.history.push_back(entry);
}

// Where a key was deleted the job does not remember that, and the watcher never goes back.
void check_old_news(Life& life) {
  const std::string before = view_of(life.job);
  for (const Entry& entry : life.history) {
    if (std::holds_alternative<Deletion>(life.newest.at({entry.family, entry.key_rest}).what)) {
      continue;
    }
    demand(life.job.absorb(entry) == Job::Absorbed::kUnchanged, "old news change nothing");
  }
  demand(view_of(life.job) == before, "nor what is seen");
}

// From what a bucket with a history of one keeps: forwards, backwards.
void check_read_again(const Life& life) {
  std::vector<const Entry*> left;
  for (const auto& [key, entry] : life.newest) left.push_back(&entry);
  std::sort(left.begin(), left.end(),
            [](const Entry* a, const Entry* b) { return a->revision < b->revision; });
  for (int round = 0; round < 2; ++round) {
    Job read(life.job.id());
    for (const Entry* entry : left) {
      demand(read.absorb(*entry) <= Job::Absorbed::kUnchanged, "there is room again");
    }
    demand(view_of(read) == view_of(life.job), "to live through it and to read it is the same");
    std::reverse(left.begin(), left.end());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::map<std::string, Life> lives;
  for (const Entry& entry : decode_all(text_of(data, size))) {
    live(lives.try_emplace(entry.job_id, entry.job_id).first->second, entry);
  }
  for (auto& [id, life] : lives) {
    check_read_again(life);
    check_old_news(life);
    if (life.job.defined()) check_snapshot(life.job);
  }
  return 0;
}
