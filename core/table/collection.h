// core/table/collection.h: Representations that are made of all jobs: the statistics, and pages of
// the list.
//
// Their snapshots have no text, no job id and no status, and are never final. Replicas with equal
// bytes may give them different revisions, because a replica that has just read the bucket cannot
// know when a count last changed. So validators are compared by epoch and hash:
// ValidatorList::matches_content().
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/job/snapshot.h"
#include "core/table/listing.h"

namespace bide {

// Makes the JSON of `list`: `text`, with `items` inserted before its last `tail_bytes` bytes. Sets
// the hash of the tag for the whole JSON; the caller sets the other parts of the tag.
void set_items(Snapshot& list, std::string text, std::size_t tail_bytes,
               std::vector<std::shared_ptr<const Snapshot>> items);

// `{"total_jobs":…,"status_counts":{…}}`. `revision`: the revision that last changed a count.
// Without `exact` there may be more jobs: `"total_exact":false` says so.
[[nodiscard]] std::shared_ptr<const Snapshot> make_statistics(const StatusCounts& counts,
                                                              bool exact, Epoch epoch,
                                                              Revision revision);

struct PageHead {
  StatusCounts counts;
  bool exact = true;
  std::size_t total_items = 0;
  Revision next = 0;  // PageQuery::below for the next page. 0: there is none.
};
// `{"total_items":…,"status_counts":{…},"next":"…","items":[…]}`, with the items' JSON unchanged.
[[nodiscard]] std::shared_ptr<const Snapshot> make_page(
    const PageHead& head, std::vector<std::shared_ptr<const Snapshot>> items, Epoch epoch,
    Revision revision);

}  // namespace bide
