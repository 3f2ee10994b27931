// core/table/draft.h: The draft of a page: which jobs it shows, in which order. It is copied from
// the listing under the overview's mutex and rendered without it, because rendering locks the
// shards, and their mutexes must be locked first.
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
  std::optional<PageQuery> query;  // nullopt: the statistics.
  Epoch epoch = 0;
  Revision revision = 0;      // When the counts last changed; for a page, the counts or the order.
  Revision revision_max = 0;  // The listing's revision.
  StatusCounts counts{};
  std::size_t total_items = 0;
  std::vector<std::string> job_ids;
};

[[nodiscard]] Draft draft_of(const Listing& listing, const std::optional<PageQuery>& query);

// Leaves out jobs that are gone or do not match any more. With `whole` it returns null instead, and
// the caller makes a new draft.
[[nodiscard]] std::shared_ptr<const Snapshot> render(const Draft& draft, JobTable& jobs,
                                                     bool whole);

// Null: the job does not exist.
[[nodiscard]] std::shared_ptr<const Snapshot> snapshot_of(JobTable& jobs, std::string_view job_id);

}  // namespace bide
