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
[[nodiscard]] std::shared_ptr<const Snapshot> make_statistics(const StatusCounts& counts,
                                                              Epoch epoch, Revision revision);

// `{"total_items":…,"status_counts":{…},"items":[…]}`, with the items' JSON unchanged.
[[nodiscard]] std::shared_ptr<const Snapshot> make_page(
    const StatusCounts& counts, std::size_t total_items,
    std::vector<std::shared_ptr<const Snapshot>> items, Epoch epoch, Revision revision);

}  // namespace bide
