// core/table/job_set.h: Several jobs as one resource: the query, their common representation, and
// how a condition is judged on all or any of them.
//
// Thread safety: values and pure functions; look_at_set() may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/job/job_id.h"
#include "core/table/job_table.h"

namespace bide {

inline constexpr std::size_t kJobSetIdsMax = 256;

struct JobSetQuery {
  // In the order of the request. The caller checks that there are 1 to kJobSetIdsMax.
  std::vector<JobId> ids;
  bool match_any = false;  // One job is enough for `done` and `succeeded`; otherwise all.
  // Instead of ids: the jobs that are selected by labels at the time of the answer, newest first,
  // up to kJobSetIdsMax. A set of more does not exist, nor does one of none.
  SelectionPtr selection = nullptr;

  // Removes repeated ids, so that items[] has each job once, at its first place. Otherwise a short
  // request could ask for the largest job 256 times.
  void collapse();
};

using JobSnapshots = std::vector<std::shared_ptr<const Snapshot>>;

// `{"items":[…]}` with the JSON of the jobs. Null if a job is missing or there are no jobs. The
// status is folded from the jobs' statuses as a job's status is from its agents' states. It is
// final if all jobs are. It has no text.
//
// The tag's epoch is the latest one of the jobs, not the table's own. While a new epoch is
// installed shard by shard, the last job that changes must change the set's tag. Otherwise waiters
// would not be told of its change.
[[nodiscard]] std::shared_ptr<const Snapshot> make_set_snapshot(const JobSnapshots& jobs);

// Whether `succeeded` can never hold (409): if all jobs must succeed, because one has failed,
// partly failed or was skipped; with `match_any`, because all have.
[[nodiscard]] bool can_never_succeed(const Snapshot& set, bool match_any);

// The verdict that decides for the set as soon as one job has it. If all jobs have the opposite
// one, that is the verdict of the set. `change` is decided by any job, whatever `match_any` says.
[[nodiscard]] Verdict decisive_verdict(const Condition& condition, bool match_any);

// Looks at the jobs one after the other and judges the set by their states. Terms::seen are the
// client's validators for the set. Verdicts are as for Condition::judge; a final set whose tag
// matches is kNever. The snapshot is null if a job does not exist. With Terms::waits_for_job it is
// made of the other jobs if they decide alone.
[[nodiscard]] Look look_at_set(JobTable& table, const JobSetQuery& query,
                               const Waiter::Terms& terms, TimePoint now,
                               JobSnapshots* jobs = nullptr);

}  // namespace bide
