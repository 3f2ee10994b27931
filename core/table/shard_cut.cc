// A cut of a shard (core/table/shard.h): copies of all its jobs as they were at one moment, made
// little by little while the jobs change.
//
// A walk over the records copies the jobs that have not been copied yet. A job that is about to
// change before the walk has come to it is copied then. So the cost for an event is one comparison,
// and one copy for each job that changes during the walk. A copy shares the job's strings: it costs
// 32 bytes an entry, and no more for a job whose strings are large.
//
// Rejected: holding the mutex for the whole walk, which is 0.5 s with a million jobs; a fork, which
// stops every thread for as long as it copies the page tables, and is not safe with threads;
// writing the jobs as they are when the walk comes to them, and reading again what was written
// since the walk began: a job would be folded with a deletion that came before its other entries,
// and its tag could differ from that of a full read.
#include <algorithm>
#include <new>
#include <utility>

#include "core/table/shard.h"

namespace bide {
namespace {

// What one look copies: so many jobs, with so many entries. A job is copied whole.
constexpr std::size_t kJobsAtOnce = 64;
constexpr std::size_t kEntriesAtOnce = 1024;
// Empty places of the hash table cost little.
constexpr std::size_t kBucketsAtOnce = 16 * kJobsAtOnce;
// What is kept until the next look. A copy takes about 400 bytes, and 32 bytes an entry.
constexpr std::size_t kKeptJobsMax = 100'000;
constexpr std::size_t kKeptEntriesMax = 1'000'000;

}  // namespace

void Shard::begin_cut() {
  MutexLock lock(queue_.mutex);
  std::uint16_t number = cut_.number + 1;
  if (number == 0) number = 1;  // Installed records have 0.
  cut_ = {};
  cut_.number = number;
  cut_.open = true;
}

CutStep Shard::take_of_cut(JobCopies& copies) {
  MutexLock lock(queue_.mutex);
  if (cut_.broken) return CutStep::kBroken;
  std::move(cut_.kept.begin(), cut_.kept.end(), std::back_inserter(copies));
  cut_.kept.clear();
  cut_.kept_entries = 0;
  if (!cut_.open) return CutStep::kDone;
  // The hash table has grown, and its records are in other buckets.
  if (cut_.buckets != records_.bucket_count()) {
    cut_.buckets = records_.bucket_count();
    cut_.bucket = 0;
  }
  const std::size_t end = std::min(cut_.buckets, cut_.bucket + kBucketsAtOnce);
  const std::size_t jobs_max = copies.size() + kJobsAtOnce;
  std::size_t entries = 0;
  for (; cut_.bucket < end && copies.size() < jobs_max && entries < kEntriesAtOnce; ++cut_.bucket) {
    for (auto at = records_.begin(cut_.bucket); at != records_.end(cut_.bucket); ++at) {
      JobRecord& record = **at;
      if (record.cut == cut_.number) continue;
      if (!try_copy_for_cut(record, copies)) {
        break_cut();
        return CutStep::kBroken;
      }
      entries += record.job.keys();
    }
  }
  if (cut_.bucket < cut_.buckets) return CutStep::kMore;
  cut_.open = false;
  return CutStep::kDone;
}

void Shard::end_cut() {
  JobCopies kept;  // Freed without the mutex.
  MutexLock lock(queue_.mutex);
  cut_.open = false;
  std::swap(kept, cut_.kept);
}

void Shard::keep_for_cut(JobRecord& record) {
  if (!cut_.open || record.cut == cut_.number) return;
  cut_.kept_entries += record.job.keys();
  if (!try_copy_for_cut(record, cut_.kept) || cut_.kept.size() > kKeptJobsMax ||
      cut_.kept_entries > kKeptEntriesMax) {
    break_cut();
  }
}

// Records of which nothing is stored only hold waiters.
bool Shard::try_copy_for_cut(JobRecord& record, JobCopies& copies) noexcept {
  record.cut = cut_.number;
  if (record.job.empty()) return true;
  try {
    copies.push_back(record.job.frozen());
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Shard::break_cut() {
  if (!cut_.open) return;
  cut_.open = false;
  cut_.broken = true;  // end_cut() frees the copies.
}

}  // namespace bide
