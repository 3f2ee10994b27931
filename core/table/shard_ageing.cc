// How jobs leave a shard (core/table/shard.h) when the bucket has dropped them, which no entry
// reports.
//
// By age: the shard has its jobs in a list by the time of their definition and drops the oldest
// itself. By revision: the watcher learns where the stream begins now, and older entries are
// removed one by one.
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/table/overview.h"
#include "core/table/shard.h"

namespace bide {
namespace {

constexpr std::size_t kLeaveAtOnce = 256;
constexpr Revision kEveryRevision = std::numeric_limits<Revision>::max();

}  // namespace

void Shard::age_append(JobRecord& record) {
  if (max_age_.count() == 0 || record.job.empty()) return;
  record.aged = true;
  record.older = newest_;
  record.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &record;
  newest_ = &record;
  if (oldest_ == &record) queue_.notify();  // The notifier may sleep without a deadline.
}

void Shard::age_remove(JobRecord& record) {
  if (!record.aged) return;
  record.aged = false;
  (record.older != nullptr ? record.older->newer : oldest_) = record.newer;
  (record.newer != nullptr ? record.newer->older : newest_) = record.older;
  record.older = record.newer = nullptr;
}

void Shard::list_by_age() {
  oldest_ = newest_ = nullptr;
  if (max_age_.count() == 0) return;
  std::vector<JobRecord*> by_age;
  by_age.reserve(records_.size());
  for (const auto& record : records_) by_age.push_back(record.get());
  std::sort(by_age.begin(), by_age.end(), [](const JobRecord* a, const JobRecord* b) {
    return a->job.written() < b->job.written();
  });
  for (JobRecord* const record : by_age) age_append(*record);
}

void Shard::drop_expired() {
  if (max_age_.count() == 0 || installing_) return;
  const WallTime limit = table_.clock_.wall_now() - max_age_;
  while (oldest_ != nullptr && oldest_->job.written() <= limit) {
    JobRecord& record = *oldest_;
    age_remove(record);
    // What is older in the stream was written earlier. The job's younger entries stay until the
    // stream has dropped them, too: it may be defined again.
    let_go(record, record.job.defined() ? record.job.definition_revision() + 1 : kEveryRevision);
  }
}

// --- Leaving by revision ----------------------------------------------------------------------

void Shard::let_go(Revision before) {
  bool more = true;
  while (more) {
    WaitQueue::Lock lock(queue_);
    more = let_some_go(before);
  }
}

// Handles a bounded number, so that other threads get the lock. False: nothing is left to do.
bool Shard::let_some_go(Revision before) {
  if (!std::exchange(lists_oldest_, true)) {
    for (const auto& record : records_) list_by_oldest(*record);
  }
  for (std::size_t i = 0; i < kLeaveAtOnce; ++i) {
    if (by_oldest_.empty() || by_oldest_.begin()->first >= before) return false;
    let_go(*by_oldest_.begin()->second, before);
  }
  return true;
}

void Shard::let_go(JobRecord& record, Revision before) {
  unlist_by_oldest(record);
  const std::optional<Listed> was = listed(record);
  const std::size_t bytes_before = record.job.bytes();
  forget_snapshot(record);
  keep_for_cut(record);
  if (record.job.let_go(before) == Job::Absorbed::kChanged) {
    moved(record, was, 0, table_.clock_.now());
  }
  account(record.job, bytes_before);
  list_by_oldest(record);
  erase_if_unneeded(record);  // Requests may still wait for its definition.
}

// A record that is listed already may be listed too early: let_some_go() moves it.
void Shard::list_by_oldest(JobRecord& record) {
  if (!lists_oldest_ || record.leaves_after != 0 || record.job.empty()) return;
  record.leaves_after = record.job.oldest();
  by_oldest_.emplace(record.leaves_after, &record);
}

void Shard::unlist_by_oldest(JobRecord& record) {
  if (record.leaves_after == 0) return;
  by_oldest_.erase({record.leaves_after, &record});
  record.leaves_after = 0;
}

}  // namespace bide
