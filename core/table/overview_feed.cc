// The feed of core/table/overview.h: every job that changes, in the order of its latest change.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

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

// Changes of selected jobs behind a revision, oldest first, and up to where they were searched.
struct Found {
  std::vector<Change> changes;
  Revision searched = 0;
};

// Through the index of the rarest label, with a search in the others.
Found find_changes(const Listing& listing, const Selection* selection, Revision after,
                   std::size_t jobs_max) {
  Found found{{}, after};
  std::vector<const RevisionIndex*> indexes;
  if (selection == nullptr) indexes.push_back(&listing.by_change());
  for (std::size_t i = 0; selection != nullptr && i < selection->labels.size(); ++i) {
    const Listing::Labelled* const labelled = listing.find_label(selection->labels[i]);
    if (labelled == nullptr) return found;
    indexes.push_back(&labelled->by_change);
  }
  std::sort(indexes.begin(), indexes.end(),
            [](const RevisionIndex* a, const RevisionIndex* b) { return a->size() < b->size(); });
  const std::size_t walked = indexes.size() == 1 ? jobs_max : Overview::kChangesWalked;
  for (const auto& place : indexes.front()->after(after, walked)) {
    found.searched = place.revision;
    const bool selected =
        std::all_of(indexes.begin() + 1, indexes.end(),
                    [&](const RevisionIndex* index) { return index->contains(place); });
    if (selected) found.changes.push_back({place.revision, *place.job_id});
    if (found.changes.size() == jobs_max) break;
  }
  return found;
}

// Only jobs that are unchanged since they were listed. A job that has changed again is now behind
// all jobs that were listed, and comes later. In its old place its tag would move the client's
// cursor past other jobs.
Overview::Snapshots render_changes(Found& found, JobTable& jobs, std::size_t bytes_max,
                                   bool patches) {
  Overview::Snapshots batch;
  std::size_t bytes = 0;
  for (const Change& change : found.changes) {
    auto snapshot = snapshot_of(jobs, change.job_id, patches);
    if (snapshot == nullptr || snapshot->json.tag.revision != change.revision) continue;
    bytes += snapshot->json.bytes.size();
    if (!batch.empty() && bytes > bytes_max) {
      found.searched = batch.back()->json.tag.revision;
      break;
    }
    batch.push_back(std::move(snapshot));
  }
  return batch;
}

Revision start_of(const EntityTag& cursor, const Listing& listing) {
  return cursor.epoch == listing.epoch() ? cursor.revision : 0;
}

}  // namespace

Overview::Changes Overview::changes_after(const EntityTag& cursor, const Selection* selection,
                                          std::size_t jobs_max, std::size_t bytes_max,
                                          bool patches) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    Found found;
    std::uint64_t installs = 0;
    EntityTag reached;
    {
      MutexLock lock(queue_.mutex);
      if (!has_news(cursor, selection)) return {{}, cursor};
      installs = installs_;
      found = find_changes(listing_, selection, start_of(cursor, listing_), jobs_max);
      reached = {listing_.epoch(), found.searched, 0};
    }
    if (found.changes.empty()) return {{}, reached};
    Snapshots batch = render_changes(found, table_, bytes_max, patches);
    reached.revision = found.searched;
    MutexLock lock(queue_.mutex);
    if (installs != installs_) continue;  // The jobs may come from two reads of the bucket.
    if (!batch.empty()) return {std::move(batch), reached};
  }
  return {{}, cursor};
}

Members Overview::members(const SelectionPtr& selection, std::size_t jobs_max) const {
  MutexLock lock(queue_.mutex);
  Members members = members_of(listing_, selection, jobs_max);
  members.as_of.hash = installs_ - (installing_ ? 1 : 0);
  return members;
}

EntityTag Overview::feed_position() const {
  MutexLock lock(queue_.mutex);
  return {listing_.epoch(), listing_.revision(), 0};
}

// Behind told_ there is only progress, which waits. A client that is not there yet gets it with the
// rest. The same holds for a label, of whose jobs other changes are told. With several labels there
// may be news of each, and of no job that has them all: then changes_after() finds nothing, and its
// cursor has moved on.
bool Overview::has_news(const EntityTag& cursor, const Selection* selection) const {
  const Revision from = start_of(cursor, listing_);
  if (installing_) return false;
  if (selection == nullptr) return from < told_ && from < listing_.by_change().newest();
  return std::all_of(selection->labels.begin(), selection->labels.end(),
                     [&](const std::string& label) NO_THREAD_SAFETY_ANALYSIS {
                       const Listing::Labelled* const labelled = listing_.find_label(label);
                       return labelled != nullptr && from < labelled->by_change.newest() &&
                              from < std::max(labelled->told, progress_told_);
                     });
}

// After an install jobs may have come and left without a revision of their own.
bool Overview::has_moved(const EntityTag& seen, const Selection& selection) const {
  if (installing_) return false;
  if (seen.hash != installs_) return true;
  return std::all_of(selection.labels.begin(), selection.labels.end(),
                     [&](const std::string& label) NO_THREAD_SAFETY_ANALYSIS {
                       const Listing::Labelled* const labelled = listing_.find_label(label);
                       return labelled != nullptr && labelled->moved > seen.revision;
                     });
}

bool Overview::has_news(const Waiter::Terms& terms, const Selection* selection,
                        bool membership) const {
  const auto& tags = terms.seen.tags();
  const EntityTag seen = tags.empty() ? EntityTag{} : tags.front();
  return membership ? has_moved(seen, *selection) : has_news(seen, selection);
}

}  // namespace bide
