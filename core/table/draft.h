// core/table/draft.h: What a page is to be made of: copied from the listing under the overview's
// mutex, rendered without it, because the jobs are behind their shards' mutexes and those come
// first.
//
// Thread safety: a value; draft_of() is called with the overview's mutex held, the others without.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/table/job_table.h"
#include "core/table/listing.h"
#include "core/table/page_query.h"

namespace bide {

struct Draft {
  std::optional<PageQuery> query;  // nullopt: the statistics.
  Epoch epoch = 0;
  Revision revision = 0;      // Of the counts, and of the order for a page.
  Revision revision_max = 0;  // The highest that was listed.
  StatusCounts counts{};
  std::size_t total_items = 0;
  std::vector<std::string> job_ids;
};

[[nodiscard]] Draft draft_of(const Listing& listing, const std::optional<PageQuery>& query);

// Jobs that are gone or do not match any more have no place on the page. If there are any and it is
// `whole` that is wanted: null; a new draft is likely to do.
[[nodiscard]] std::shared_ptr<const Snapshot> render(const Draft& draft, JobTable& jobs,
                                                     bool whole);

// Null: there is no such job.
[[nodiscard]] std::shared_ptr<const Snapshot> snapshot_of(JobTable& jobs, std::string_view job_id);

}  // namespace bide
