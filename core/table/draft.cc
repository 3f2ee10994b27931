#include "core/table/draft.h"

#include <algorithm>
#include <utility>

#include "core/table/collection.h"

namespace bide {

Draft draft_of(const Listing& listing, const std::optional<PageQuery>& query) {
  Draft draft;
  draft.query = query;
  draft.epoch = listing.epoch();
  draft.revision_max = listing.revision();
  draft.counts = listing.counts();
  draft.revision = query ? listing.order_revision() : listing.counts_revision();
  if (!query) return draft;
  const RevisionIndex& jobs = listing.by_definition(query->status);
  draft.total_items = jobs.size();
  for (const auto& place : jobs.newest_first(query->offset, query->limit)) {
    draft.job_ids.push_back(*place.job_id);
  }
  return draft;
}

// The page's revision is the highest one of the order and the items. An item may be newer than the
// draft, and a change in between may have moved it to another page. Then the page without the item,
// which is newer, would have a lower revision than the page with it. So the revision of an item
// counts only up to that of the listing.
std::shared_ptr<const Snapshot> render(const Draft& draft, JobTable& jobs, bool whole) {
  if (!draft.query) return make_statistics(draft.counts, draft.epoch, draft.revision);
  const std::optional<Status> only = draft.query->status;
  std::vector<std::shared_ptr<const Snapshot>> items;
  items.reserve(draft.job_ids.size());
  Revision revision = draft.revision;
  for (const std::string& id : draft.job_ids) {
    auto item = snapshot_of(jobs, id);
    if (item == nullptr || (only && item->status != *only)) {
      if (whole) return nullptr;
      continue;
    }
    revision = std::max(revision, std::min(item->json.tag.revision, draft.revision_max));
    items.push_back(std::move(item));
  }
  return make_page(draft.counts, draft.total_items, std::move(items), draft.epoch, revision);
}

std::shared_ptr<const Snapshot> snapshot_of(JobTable& jobs, std::string_view job_id) {
  return jobs.look(job_id, {}, {}).snapshot;
}

}  // namespace bide
