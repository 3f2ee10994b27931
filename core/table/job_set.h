// core/table/job_set.h: Many jobs as one resource: which are asked for, how they look together, and
// what a condition makes of all or any of them.
//
// Thread safety: values and pure functions; look_at_set() may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/table/job_table.h"

namespace bide {

inline constexpr std::size_t kJobSetIdsMax = 256;

struct JobSetQuery {
  // In the order asked; 1..kJobSetIdsMax, the caller's to check.
  std::vector<std::string> ids;
  bool match_any = false;  // One job is enough for `done` and `succeeded`; otherwise all.

  // Drops every further mention of an id: items[] has each job once, where it was first named.
  // Otherwise a short request could ask for the largest job 256 times over.
  void collapse();
  // `all:a,b` or `any:a,b`: what JobSetLot is asked with. Call collapse() first.
  [[nodiscard]] std::string key() const;
  // The strict inverse. nullopt: a bad id, one twice, none or too many, another word in front.
  [[nodiscard]] static std::optional<JobSetQuery> parse(std::string_view key);
};

using JobSnapshots = std::vector<std::shared_ptr<const Snapshot>>;

// `{"items":[…]}` of the jobs' JSON; null if a job is missing, or there are none. Its status is
// folded from the jobs' as a job's is from its agents'; final: all are. There is no text.
//
// The tag's epoch is the latest of the jobs', not the table's own: while a new epoch is installed
// shard by shard, the last job to move must move the set's tag with it, or its change would be lost
// to whoever is woken by it.
[[nodiscard]] std::shared_ptr<const Snapshot> make_set_snapshot(const JobSnapshots& jobs);

// What a request for `succeeded` is told with 409: of all: one has failed, was skipped or partly
// failed; of any: all have.
[[nodiscard]] bool can_never_succeed(const Snapshot& set, bool match_any);

// Which verdict on one job settles the matter for the set; where all jobs have the other one, that
// is the set's. `change` is settled by any job, whatever the match.
[[nodiscard]] Verdict decisive_verdict(const Condition& condition, bool match_any);

// Looks at every job, one after the other, and judges the set by what it saw of each. Terms::seen
// are the client's validators for the set. Verdicts are those of Condition::judge; a final set
// whose tag matches is kNever.
[[nodiscard]] Lot::Look look_at_set(JobTable& table, const JobSetQuery& query,
                                    const Waiter::Terms& terms, TimePoint now,
                                    JobSnapshots* jobs = nullptr);

}  // namespace bide
