// core/table/collection.h: The representations of what is made of all jobs.
//
// Their snapshots have no text, no job id and no status; they are never final. Their tag's revision
// may differ between replicas that hold the same bytes (one that has just read the bucket cannot
// know when a count last moved), so validators are compared by epoch and hash:
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

// Puts jobs into `list`, whose JSON is `text` with them in front of its last `tail_bytes` bytes.
// The tag's hash is that of the whole; its other parts are the caller's.
void set_items(Snapshot& list, std::string text, std::size_t tail_bytes,
               std::vector<std::shared_ptr<const Snapshot>> items);

// `{"total_jobs":…,"status_counts":{…}}`. `revision`: the one that last moved a count.
[[nodiscard]] std::shared_ptr<const Snapshot> make_statistics(const StatusCounts& counts,
                                                              Epoch epoch, Revision revision);

// `{"total_items":…,"status_counts":{…},"items":[…]}`, the items' JSON as it is.
[[nodiscard]] std::shared_ptr<const Snapshot> make_page(
    const StatusCounts& counts, std::size_t total_items,
    std::vector<std::shared_ptr<const Snapshot>> items, Epoch epoch, Revision revision);

}  // namespace bide
