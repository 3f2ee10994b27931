#include "core/table/job_set.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/table/collection.h"

namespace bide {
namespace {

constexpr std::string_view kAll = "all:";
constexpr std::string_view kAny = "any:";

constexpr unsigned bit_of(Status status) { return 1U << static_cast<unsigned>(status); }
constexpr unsigned kFailures =
    bit_of(Status::kFailed) | bit_of(Status::kSkipped) | bit_of(Status::kPartialFailure);

// As Fold::judge() does with the states of agents.
Status fold_statuses(unsigned statuses) {
  const auto has = [&](Status status) { return (statuses & bit_of(status)) != 0; };
  if (statuses == bit_of(Status::kSubmitted)) return Status::kSubmitted;
  if (has(Status::kSubmitted) || has(Status::kProcessing)) return Status::kProcessing;
  if (has(Status::kPartialFailure)) return Status::kPartialFailure;
  if (has(Status::kFailed)) {
    return has(Status::kCompleted) ? Status::kPartialFailure : Status::kFailed;
  }
  if (has(Status::kSkipped) && !has(Status::kCompleted)) return Status::kSkipped;
  return Status::kCompleted;
}

}  // namespace

void JobSetQuery::collapse() {
  std::unordered_set<std::string_view> named;
  std::vector<JobId> once;
  once.reserve(ids.size());
  for (const JobId& id : ids) {
    if (named.insert(id.text()).second) once.push_back(id);
  }
  ids = std::move(once);
}

std::shared_ptr<const Snapshot> make_set_snapshot(const JobSnapshots& jobs) {
  if (jobs.empty() || std::find(jobs.begin(), jobs.end(), nullptr) != jobs.end()) return nullptr;
  auto set = std::make_shared<Snapshot>();
  set->final = true;
  unsigned statuses = 0;
  unsigned decided = 0;
  EntityTag& tag = set->json.tag;
  for (const auto& job : jobs) {
    statuses |= bit_of(job->status);
    decided |= bit_of(job->undecided ? Status::kProcessing : job->status);
    set->final = set->final && job->final;
    tag.epoch = std::max(tag.epoch, job->json.tag.epoch);
    tag.revision = std::max(tag.revision, job->json.tag.revision);
  }
  set->job_statuses = static_cast<std::uint8_t>(decided);
  set->status = fold_statuses(statuses);
  constexpr std::string_view kTail = "]}";
  set_items(*set, R"({"items":[]})", kTail.size(), jobs);
  return set;
}

bool can_never_succeed(const Snapshot& set, bool match_any) {
  const unsigned statuses = set.job_statuses;
  return match_any ? (statuses & ~kFailures) == 0 : (statuses & kFailures) != 0;
}

Verdict decisive_verdict(const Condition& condition, bool match_any) {
  const bool by_any = match_any || condition.kind() == Condition::Kind::kChange;
  return by_any ? Verdict::kHolds : Verdict::kNever;
}

Look look_at_set(JobTable& table, const JobSetQuery& query, const Waiter::Terms& terms,
                 TimePoint now, JobSnapshots* jobs) {
  Waiter::Terms of_job;
  of_job.condition = terms.condition;
  const Verdict decisive = decisive_verdict(terms.condition, query.match_any);
  bool decided = false;
  bool pending = false;
  JobSnapshots seen, there;
  seen.reserve(query.ids.size());
  there.reserve(query.ids.size());
  for (const JobId& id : query.ids) {
    Look look = table.look(id, of_job, now);
    decided = decided || look.verdict == decisive;
    pending = pending || look.verdict == Verdict::kPending;
    if (look.snapshot != nullptr) there.push_back(look.snapshot);
    seen.push_back(std::move(look.snapshot));
  }
  const bool enough = there.size() == seen.size() || (terms.waits_for_job && decided);
  Look set{enough ? make_set_snapshot(there) : nullptr};
  if (jobs != nullptr) *jobs = std::move(seen);
  if (set.snapshot == nullptr) return set;

  const Verdict otherwise = decisive == Verdict::kHolds ? Verdict::kNever : Verdict::kHolds;
  if (terms.seen.any()) {
    set.verdict = Verdict::kNever;  // `*` matches every later state, too.
  } else if (terms.condition.kind() != Condition::Kind::kChange) {
    set.verdict = decided ? decisive : pending ? Verdict::kPending : otherwise;
  } else if (!terms.seen.matches(set.snapshot->json.tag)) {
    set.verdict = Verdict::kHolds;
  } else {
    set.verdict = set.snapshot->final ? Verdict::kNever : Verdict::kPending;
  }
  return set;
}

}  // namespace bide
