// core/table/draft.h: The draft of a page: which jobs it shows, in which order. It is copied from
// the listing under the overview's mutex and rendered without it, because rendering locks the
// shards, and their mutexes must be locked first.
//
// Selections. One label has an index with its counts. Several labels, a status with them, or a part
// of the id are found by a walk: through the smallest index that has all the jobs, newest first,
// with a search in the others. The mutex is held meanwhile, so a walk has kStepsMax steps (a step
// is a job or a search, and takes about 50 ns). If that is not enough, the page has the jobs that
// were found so far, `exact` is false, and `next` goes on behind them.
//
// Thread safety: a value. draft_of() is called with the overview's mutex held, the other functions
// without it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/table/job_table.h"
#include "core/table/listing.h"
#include "core/table/target.h"

namespace bide {

struct Draft {
  static constexpr int kStepsMax = 16'384;

  std::optional<PageQuery> query;  // nullopt: the statistics.
  Epoch epoch = 0;
  Revision revision = 0;      // When the counts last changed; for a page, the counts or the order.
  Revision revision_max = 0;  // The listing's revision.
  StatusCounts counts{};
  std::size_t total_items = 0;
  bool exact = true;  // False: there may be more jobs than total_items and counts say.
  std::vector<std::string> job_ids;
  Revision next = 0;  // PageQuery::below for the next page. 0: there is none.
};

// Whether a draft of the page takes a walk.
[[nodiscard]] bool needs_walk(const PageQuery& query);

[[nodiscard]] Draft draft_of(const Listing& listing, const std::optional<PageQuery>& query);

// The jobs that are selected by labels, newest first.
struct Members {
  std::vector<JobId> ids;
  bool whole = true;  // False: there are more than `jobs_max`, or more than a walk finds.
  EntityTag as_of;    // The validator for Feed::membership.
};
[[nodiscard]] Members members_of(const Listing& listing, const SelectionPtr& selection,
                                 std::size_t jobs_max);

// Leaves out jobs that are gone or do not match any more. With `whole` it returns null instead, and
// the caller makes a new draft.
[[nodiscard]] std::shared_ptr<const Snapshot> render(const Draft& draft, JobTable& jobs,
                                                     bool whole);

// Null: the job does not exist. `patches`: as in Waiter::Terms.
[[nodiscard]] std::shared_ptr<const Snapshot> snapshot_of(JobTable& jobs, std::string_view job_id,
                                                          bool patches = false);

}  // namespace bide
