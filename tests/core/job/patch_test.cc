#include "core/job/patch.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/core/job/entries.h"
#include "tests/core/job/json_patch.h"

namespace bide {
namespace {

using testing::defined;
using testing::happened;
using testing::PatchedDocument;
using testing::progressed;
using testing::responded;

// Otherwise the whole would be shorter than its patch.
const std::string kLongOperation = "\"" + std::string(2000, 'x') + "\"";

// A job whose every state is rendered in a chain, as a shard does it.
struct FollowedJob {
  explicit FollowedJob(Definition definition = {}) {
    absorb(defined("j", 1, std::move(definition)));
  }

  void absorb(const Entry& entry) {
    if (!job.only_adds(entry)) snapshot = nullptr;
    REQUIRE(job.absorb(entry) <= Job::Absorbed::kUnchanged);
    if (!job.defined()) snapshot = nullptr;
  }
  const Snapshot& render(bool in_grace = false) {
    snapshot = make_followed_snapshot(job, 7, in_grace, snapshot.get());
    return *snapshot;
  }

  Job job{"j"};
  std::shared_ptr<const Snapshot> snapshot;
};

// The patch that one entry makes.
std::string patch_by(FollowedJob& followed, const Entry& entry) {
  const EntityTag from = followed.render().json.tag;
  followed.absorb(entry);
  std::string joined;
  return std::string(followed.render().chain->find(from, joined));
}

Definition many() {
  Definition definition;
  definition.subject = "x._all";
  definition.operation = kLongOperation;
  return definition;
}

// A client of the job that gets patches as long as there are any.
struct PatchedClient {
  // `whole`: counts the representations that had to be sent.
  void tell(const Snapshot& snapshot, int& patches, int& whole) {
    std::string joined;
    const std::string_view patch =
        document == nullptr ? std::string_view() : snapshot.chain->find(tag, joined);
    if (patch.empty()) {
      document = std::make_unique<PatchedDocument>(snapshot.json.bytes);
      ++whole;
    } else {
      CHECK(patch.find_first_of("\r\n") == std::string_view::npos);
      document->apply(patch);
      ++patches;
    }
    tag = snapshot.json.tag;
    const bool equal = document->equals(snapshot.json.bytes);
    CHECK_MESSAGE(equal, patch << " leads not to " << snapshot.json.bytes);
  }

  std::unique_ptr<PatchedDocument> document{};
  EntityTag tag{};
};

class RandomEntries {
 public:
  explicit RandomEntries(std::uint32_t seed) : generator_(seed) {}

  unsigned upto(unsigned below) { return static_cast<unsigned>(generator_() % below); }

  Definition definition() {
    constexpr std::array<const char*, 4> kSubjects = {"", "x._any", "x._all", "x.label.a.b"};
    Definition made;
    made.subject = kSubjects[upto(4)];
    if (upto(3) == 0) made.expected_agents = 2U;
    if (upto(2) == 0) made.operation = "{\"n\": 1.50,\n \"m\": 1.0E+2}";
    return made;
  }

  Entry next(Revision revision) {
    constexpr std::array<const char*, 9> kAgents = {"a",   "b/c",  "b~c",      "~1",  "a.b",
                                                    "a_b", "\"\\", "\xC3\xA9", "_api"};
    const std::string agent = kAgents[upto(kAgents.size())];
    std::string segment = agent;
    for (char& c : segment) {
      if (c == '.' || c == '/' || c == '~') c = '_';
    }
    Entry entry;
    const unsigned what = upto(100);
    if (what < 60) {
      entry = happened("j", revision, static_cast<EventKind>(upto(7)), agent,
                       upto(4) == 0 ? "no \"luck\"\n" : "");
      auto& event = std::get<Event>(entry.what);
      event.unix_nano = upto(12);  // In any order, and often the same.
      event.timestamp = upto(9) == 0 ? "" : "T" + std::to_string(event.unix_nano);
      if (upto(3) > 0) {
        entry.key_rest = std::string(word_of(event.kind)) + "." + segment + "." +
                         std::to_string(upto(20) == 0 ? 1 : revision);
      }
    } else if (what < 80) {
      Response response;
      response.hostname = agent;
      if (upto(3) > 0) response.data = upto(2) == 0 ? "[1.0,\r\n 1.00]" : "null";
      if (upto(2) == 0) response.changed = upto(2) == 0;
      if (upto(3) == 0) response.error = "e";
      entry = responded("j", revision, agent, response);
      entry.key_rest = segment + "." + std::to_string(upto(5));
    } else if (what < 94) {
      entry = progressed("j", revision, agent, std::to_string(upto(100)), upto(2) == 0 ? "m" : "");
      entry.key_rest = "progress." + segment;
    } else if (what < 96) {
      entry = defined("j", revision, definition());
    }
    if (what >= 96) {
      entry = happened("j", revision, EventKind::kStarted, agent);
      entry.key_rest = last_event_key_;
      entry.what = what < 98 ? decltype(entry.what)(Deletion{}) : Loss{};
    } else if (entry.family == Entry::Family::kStatus) {
      last_event_key_ = entry.key_rest;
    }
    return entry;
  }

 private:
  std::mt19937 generator_;
  std::string last_event_key_ = "none";
};

}  // namespace

TEST_CASE("patch: has what an event changes, and nothing else") {
  FollowedJob followed(many());
  CHECK(patch_by(followed, happened("j", 2, EventKind::kStarted, "a/b~c")) ==
        R"([{"op":"add","path":"/status","value":"processing"},)"
        R"({"op":"add","path":"/agent_states","value":{}},)"
        R"({"op":"add","path":"/agent_states/a~1b~0c","value":{"status":"started"}},)"
        R"({"op":"add","path":"/timeline","value":[]},)"
        R"({"op":"add","path":"/timeline/0","value":{"timestamp":"T2",)"
        R"("event":"started","hostname":"a/b~c","message":"started on a/b~c"}},)"
        R"({"op":"add","path":"/updated_at","value":"T2"},)"
        R"({"op":"add","path":"/revision","value":2}])");
  const std::string patch = patch_by(followed, happened("j", 3, EventKind::kStarted, "b"));
  CHECK(patch.find("a~1b~0c") == std::string::npos);
  CHECK(patch.find("/status\"") == std::string::npos);
  CHECK(patch.find(R"("path":"/timeline/1")") != std::string::npos);
}

TEST_CASE("patch: result leaves when a second agent responds") {
  FollowedJob followed(many());
  Response response;
  response.hostname = "a";
  response.data = "1.50";
  CHECK(patch_by(followed, responded("j", 2, "a", response))
            .find(R"({"op":"add","path":"/result","value":1.50})") != std::string::npos);
  response.hostname = "b";
  CHECK(patch_by(followed, responded("j", 3, "b", response))
            .find(R"({"op":"remove","path":"/result"})") != std::string::npos);
}

TEST_CASE("patch: the end of the grace is one, too") {
  FollowedJob followed;
  followed.absorb(happened("j", 2, EventKind::kFailed, "a"));
  CHECK(followed.render(true).json.bytes.size() > 100);
  const EntityTag from = followed.render(true).json.tag;
  std::string joined;
  CHECK(followed.render(false).chain->find(from, joined) ==
        R"([{"op":"add","path":"/final","value":true}])");
}

TEST_CASE("patch: patches in a row are one, as long as they are shorter than the whole") {
  FollowedJob followed(many());
  std::vector<std::string> agents;
  for (int i = 0; i < 40; ++i) agents.push_back("agent-" + std::to_string(i));
  Revision revision = 1;
  for (const std::string& agent : agents) {
    followed.absorb(happened("j", ++revision, EventKind::kStarted, agent));
  }
  PatchedDocument document(followed.render().json.bytes);
  const EntityTag from = followed.snapshot->json.tag;
  for (int i = 0; i < 5; ++i) {
    followed.absorb(happened("j", ++revision, EventKind::kCompleted, agents[i]));
    followed.render();
  }
  std::string joined;
  document.apply(followed.snapshot->chain->find(from, joined));
  CHECK(document.equals(followed.snapshot->json.bytes));
  for (const std::string& agent : agents) {
    followed.absorb(happened("j", ++revision, EventKind::kFailed, agent));
    followed.render();
    CHECK(followed.snapshot->chain->bytes() < 2 * followed.snapshot->json.bytes.size());
  }
  CHECK(followed.snapshot->chain->find(from, joined).empty());
}

TEST_CASE("patch: a chain has a bounded number of patches") {
  PatchChain chain{Outline{}};
  for (Revision revision = 1; revision <= PatchChain::kPatchesMax; ++revision) {
    chain =
        PatchChain({}, chain, {{7, revision, 0}, "[" + std::to_string(revision) + "]"}, 1 << 20);
  }
  std::string joined;
  CHECK(chain.find({7, 1, 0}, joined).starts_with("[1,2,3,"));
  chain = PatchChain({}, chain, {{7, PatchChain::kPatchesMax + 1, 0}, "[0]"}, 1 << 20);
  CHECK(chain.find({7, 1, 0}, joined).empty());
  CHECK(chain.find({7, 2, 0}, joined).starts_with("[2,3,"));
  CHECK(joined.ends_with("256,0]"));
}

TEST_CASE("patch: large patches are not joined, but one is sent as it is") {
  const std::string large = "[" + std::string(PatchChain::kJoinedBytesMax, '1') + "]";
  PatchChain chain{Outline{}};
  chain = PatchChain({}, chain, {{7, 1, 0}, "[1]"}, 1 << 20);
  chain = PatchChain({}, chain, {{7, 2, 0}, large}, 1 << 20);
  std::string joined;
  CHECK(chain.find({7, 1, 0}, joined).empty());
  CHECK(chain.find({7, 2, 0}, joined) == large);
}

TEST_CASE("patch: whatever happens to a job, patched is what is rendered") {
  int patches = 0;
  int whole = 0;
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    RandomEntries random(seed);
    FollowedJob followed(random.definition());
    PatchedClient prompt;
    PatchedClient slow;
    for (Revision revision = 2; revision < 40; ++revision) {
      followed.absorb(random.next(revision));
      if (random.upto(3) == 0) continue;  // Several entries at once.
      const Snapshot& now = followed.render();
      prompt.tell(now, patches, whole);
      if (random.upto(6) == 0) slow.tell(now, patches, whole);
    }
  }
  CHECK(patches > 10 * 1000);
  CHECK(whole < patches);
}

}  // namespace bide
