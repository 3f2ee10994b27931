// The fold of one job: whatever comes, and however often it is written again, deleted or defined
// anew, the job has the bytes and tags of one folded from what is left; and what an entry costs
// does not grow with what there is. A client that follows the job with patches (RFC 6902) has what
// is rendered.
//
// Input: four bytes an entry: what, which agent, which key, how often it is written in a row.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/job/job.h"
#include "core/job/patch.h"
#include "core/job/representation.h"
#include "tests/core/job/json_patch.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

constexpr std::size_t kEntriesMax = 2'000;
// Of one entry, amortised: few events are looked through three times; an index that grows or is
// tidied looks at all places once.
constexpr std::uint64_t kStepsPerEntry = 120;
// Rendering after each entry takes time that grows with the square of their number.
constexpr std::size_t kFollowedMax = 32;

using Names = std::vector<std::string>;

Definition definition_of(unsigned which) {
  constexpr std::string_view kSubjects[] = {"", "x._any", "x._all", "x.label.a.b"};
  Definition definition;
  definition.subject = kSubjects[which % 4];
  switch (which / 4 % 5) {
    case 1:
      definition.expected_agents = 1U;
      break;
    case 2:
      definition.expected_agents = 3U;
      break;
    case 3:
      definition.expected_agents = Names{"agent-1"};
      break;
    case 4:
      definition.expected_agents = Names{"agent-1", "agent-2", "nobody"};
      break;
    default:
      break;
  }
  return definition;
}

Entry entry_of(unsigned what, unsigned agent_number, unsigned key, Revision revision) {
  const std::string agent = agent_number % 16 == 0 ? std::string(kSubmitterAgent)
                                                   : "agent-" + std::to_string(agent_number);
  Entry entry;
  entry.job_id = "j";
  entry.revision = revision;
  entry.written = WallTime(std::chrono::seconds(revision));
  entry.family = what % 16 < 11   ? Entry::Family::kStatus
                 : what % 16 < 13 ? Entry::Family::kResponse
                 : what % 16 < 15 ? Entry::Family::kProgress
                                  : Entry::Family::kJob;
  if (entry.family == Entry::Family::kJob) {
    entry.what = definition_of(key);
  } else if (entry.family == Entry::Family::kStatus) {
    Event event;
    event.kind = static_cast<EventKind>(what % 7);
    event.hostname = agent;
    event.timestamp = "T";
    event.unix_nano = key % 8;
    if (key % 3 == 0) event.error = "e";
    entry.key_rest = std::string(word_of(event.kind)) + '.' + agent + '.' + std::to_string(key);
    entry.what = event;
  } else if (entry.family == Entry::Family::kProgress) {
    ProgressReport progress;
    progress.hostname = agent;
    progress.message = std::to_string(revision);
    entry.key_rest = "progress." + agent;
    entry.what = progress;
  } else {
    Response response;
    response.hostname = agent;
    response.data = std::to_string(revision);
    entry.key_rest = agent + '.' + std::to_string(key);
    entry.what = response;
  }
  if (what >= 192) entry.what = Deletion{};
  if (what >= 240) entry.what = Loss{};
  return entry;
}

std::vector<Entry> history_of(std::string_view input) {
  std::vector<Entry> history;
  for (; input.size() >= 4; input.remove_prefix(4)) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
    const unsigned times = byte(3) < 200 ? 1 : byte(3) - 200U;
    for (unsigned i = 0; i < times && history.size() < kEntriesMax; ++i) {
      // One after the other, or the same again.
      const unsigned key = byte(3) % 2 == 0 ? byte(2) : byte(2) + i;
      history.push_back(
          entry_of(byte(0), byte(1) + (byte(3) % 3 == 0 ? i : 0), key, history.size() + 1));
    }
  }
  return history;
}

std::string view_of(const Job& job) {
  if (!job.defined()) return {};
  const auto snapshot = make_snapshot(job, 1);
  return snapshot->json.bytes + snapshot->json.etag() + snapshot->text.bytes +
         snapshot->text.etag();
}

void absorb(Job& job, const Entry& entry) {
  demand(job.absorb(entry) <= Job::Absorbed::kUnchanged, "there is room");
}

// A client that has the job's representation, and is sent patches.
class Follower {
 public:
  // The job has changed. `only_added`: since the last look it has absorbed only such entries as
  // only_adds() allows.
  void look(const Job& job, bool only_added) {
    const JobParts parts(job);
    const std::string json = render_json(job, parts, job.final());
    if (document_ && only_added) {
      document_->apply(
          write_patch(job, parts, job.final(), {revision_, status_, final_, outline_}));
      demand(document_->equals(json), "what is patched is what is rendered");
    } else {
      document_.emplace(json);
    }
    outline_ = outline_of(job, parts);
    revision_ = job.revision();
    status_ = job.status();
    final_ = job.final();
  }

 private:
  std::optional<testing::PatchedDocument> document_;
  Outline outline_;
  Revision revision_ = 0;
  Status status_{};
  bool final_ = false;
};

// The job is looked at after every `stride` entries.
void follow(const std::vector<Entry>& history, std::size_t stride) {
  Job job("j");
  Follower follower;
  bool only_added = false;
  for (std::size_t i = 0; i < std::min(history.size(), kFollowedMax); ++i) {
    only_added = job.only_adds(history[i]) && only_added;
    absorb(job, history[i]);
    if (!job.defined() || (i + 1) % stride != 0) continue;
    follower.look(job, only_added);
    only_added = true;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<Entry> history = history_of(text_of(data, size));
  Job lived("j");
  std::map<std::pair<Entry::Family, std::string>, const Entry*> newest;
  const std::uint64_t steps_before = fold_steps;
  for (const Entry& entry : history) {
    const Entry*& before = newest[{entry.family, entry.key_rest}];
    // Where a mark of deletion is lost its revision stays, which is not what is told of here.
    const bool marked = before != nullptr && std::holds_alternative<Deletion>(before->what);
    if (marked && std::holds_alternative<Loss>(entry.what)) continue;
    absorb(lived, entry);
    before = &entry;
  }
  demand(fold_steps - steps_before <= kStepsPerEntry * history.size(), "what an entry costs");

  std::vector<const Entry*> left;
  for (const auto& [key, entry] : newest) {
    if (!std::holds_alternative<Loss>(entry->what)) left.push_back(entry);
  }
  std::sort(left.begin(), left.end(),
            [](const Entry* a, const Entry* b) { return a->revision < b->revision; });
  Job read("j");
  for (const Entry* entry : left) absorb(read, *entry);
  demand(view_of(read) == view_of(lived), "to live through it and to read it is the same");
  demand(read.bytes() == lived.bytes(), "bytes are counted alike");
  demand(!lived.defined() || read.final() == lived.final(), "and so is what is final");
  if (lived.defined()) demand(view_of(*lived.frozen()) == view_of(lived), "a copy is the same");
  follow(history, 1);
  follow(history, 3);
  return 0;
}
