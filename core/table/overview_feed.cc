// The feed of core/table/overview.h: every job that changes, in the order of its latest change.
#include <string>
#include <utility>

#include "core/table/overview.h"

namespace bide {
namespace {

// A batch is empty despite changes only if all its jobs change between the look at the listing and
// the look at the job. That would have to happen so often in a row.
constexpr int kTriesMax = 8;

struct Change {
  Revision revision;
  std::string job_id;
};

std::vector<Change> copy_of(const std::vector<RevisionIndex::Place>& places) {
  std::vector<Change> changes;
  changes.reserve(places.size());
  for (const auto& place : places) changes.push_back({place.revision, *place.job_id});
  return changes;
}

// Only jobs that are unchanged since they were listed. A job that has changed again is now behind
// all jobs that were listed, and comes later. In its old place its tag would move the client's
// cursor past other jobs.
Overview::Snapshots render_changes(const std::vector<Change>& changes, JobTable& jobs,
                                   std::size_t bytes_max) {
  Overview::Snapshots batch;
  std::size_t bytes = 0;
  for (const Change& change : changes) {
    auto snapshot = snapshot_of(jobs, change.job_id);
    if (snapshot == nullptr || snapshot->json.tag.revision != change.revision) continue;
    bytes += snapshot->json.bytes.size();
    if (!batch.empty() && bytes > bytes_max) break;
    batch.push_back(std::move(snapshot));
  }
  return batch;
}

Revision start_of(const EntityTag& cursor, const Listing& listing) {
  return cursor.epoch == listing.epoch() ? cursor.revision : 0;
}

}  // namespace

Overview::Snapshots Overview::changes_after(const EntityTag& cursor, std::size_t jobs_max,
                                            std::size_t bytes_max) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    std::vector<Change> changes;
    std::uint64_t installs = 0;
    {
      MutexLock lock(queue_.mutex);
      if (!has_news(cursor)) return {};
      installs = installs_;
      changes = copy_of(listing_.by_change().after(start_of(cursor, listing_), jobs_max));
    }
    if (changes.empty()) return {};
    Snapshots batch = render_changes(changes, table_, bytes_max);
    MutexLock lock(queue_.mutex);
    if (installs != installs_) continue;  // The jobs may come from two reads of the bucket.
    if (!batch.empty()) return batch;
  }
  return {};
}

EntityTag Overview::feed_position() const {
  MutexLock lock(queue_.mutex);
  return {listing_.epoch(), listing_.revision(), 0};
}

// Behind told_ there is only progress, which waits. A client that is not there yet gets it with the
// rest.
bool Overview::has_news(const EntityTag& cursor) const {
  const Revision from = start_of(cursor, listing_);
  return !installing_ && from < told_ && from < listing_.by_change().newest();
}

bool Overview::has_news(const Waiter::Terms& terms) const {
  const auto& tags = terms.seen.tags();
  return has_news(tags.empty() ? EntityTag{} : tags.front());
}

}  // namespace bide
