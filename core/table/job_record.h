// core/table/job_record.h: A job in its shard: its state, its rendered snapshot, and its waiters.
//
// A record exists while the bucket has entries of the job, or while a request waits for the job to
// exist. The second kind is bounded by the places of parked requests, and counts as no job.
//
// Thread safety: none; guarded by the shard's mutex.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/job/job.h"
#include "core/parking/waiter.h"
#include "core/table/job_table.h"
#include "core/table/listing.h"

namespace bide {

struct JobRecord : WaiterList {
  explicit JobRecord(std::string id) : job(std::move(id)) {}

  Job job;
  std::shared_ptr<const Snapshot> snapshot;  // Null: not rendered since the last change.
  std::uint32_t snapshot_slot = 0;           // Where the shard's snapshot ring points back.
  bool queued : 1 = false;                   // On the shard's changed list.
  bool apart : 1 = false;                    // On the shard's list of jobs to render apart.
  bool aged : 1 = false;                     // On the shard's list by age.
  bool paced : 1 = false;                    // On the shard's list of jobs whose progress waits.
  // The snapshot is of an earlier state, and kept only because patches lead on from it.
  bool stale : 1 = false;
  // Not 0: somebody follows the job with patches. Each rendering without a sign of them counts
  // down.
  static constexpr std::uint8_t kFollowed = 7;
  std::uint8_t followed = 0;
  // The cut that has a copy of it, or after which it was made (core/table/shard_cut.cc).
  std::uint16_t cut = 0;
  // Not 0: progress that came after this revision waits to be told (core/table/shard.h).
  Revision told = 0;
  TimePoint settled_at{};     // When the job will have been unchanged for the settle time.
  Revision leaves_after = 0;  // Its key in the shard's by_oldest_; 0: it is not in there.
  JobRecord* older = nullptr;
  JobRecord* newer = nullptr;
};

// The job for the overview. nullopt: clients must not see the job.
[[nodiscard]] inline std::optional<Listed> listed(const JobRecord& record) {
  const Job& job = record.job;
  if (!job.defined()) return std::nullopt;
  return Listed{job.definition_revision(), job.revision(), job.status(), &job.id(),
                job.definition().labels};
}

// `keys_before`: Job::keys() before it has absorbed the entry.
[[nodiscard]] inline Admitted admitted(Job::Absorbed absorbed, const Entry& entry,
                                       std::size_t keys_before, const Job& job) {
  if (absorbed == Job::Absorbed::kJobFull) return {RejectReason::kJobFull};
  if (absorbed == Job::Absorbed::kTableFull) return {RejectReason::kTableFull};
  return {{}, entry.takes_away() ? job.keys() < keys_before : job.keys() == keys_before};
}

// Records by job id. Nodes move from one set to another without being copied (extract, insert).
struct JobRecordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>()(id); }
  std::size_t operator()(const std::unique_ptr<JobRecord>& record) const {
    return (*this)(std::string_view(record->job.id()));
  }
};
struct JobRecordEqual {
  using is_transparent = void;
  static std::string_view id(std::string_view text) { return text; }
  static std::string_view id(const std::unique_ptr<JobRecord>& record) { return record->job.id(); }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return id(a) == id(b);
  }
};
using JobRecords = std::unordered_set<std::unique_ptr<JobRecord>, JobRecordHash, JobRecordEqual>;

// Which of so many shards has the job. The index inside a shard uses the low bits of the hash.
// These are other bits, so that its buckets are evenly filled.
[[nodiscard]] inline std::size_t part_of(std::string_view id, std::size_t parts) {
  return (JobRecordHash()(id) >> 40U) % parts;
}

using LabelSet = std::unordered_set<std::string, Listing::LabelHash, std::equal_to<>>;

// What a BucketRead has read: the jobs, and what their labels will take.
struct BucketContent {
  // A full read fills one part. A loaded table has as many as there are shards (part_of()).
  std::vector<JobRecords> parts = std::vector<JobRecords>(1);
  // See Listing::label_bytes(). Those of jobs that have left are still counted.
  LabelSet labels;
};

}  // namespace bide
