// How jobs leave a shard (core/shard.h) when the bucket has let them go: expiry is no event, so the
// shard keeps its jobs in a list by the time of their definition and drops the oldest itself.
#include <algorithm>
#include <vector>

#include "core/overview.h"
#include "core/shard.h"

namespace bide {

void Shard::age_append(Record& record) {
  if (max_age_.count() == 0 || record.job.empty()) return;
  record.aged = true;
  record.older = newest_;
  record.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &record;
  newest_ = &record;
  if (oldest_ == &record) news_due_ = true;  // The attendant may be asleep without an end.
}

void Shard::age_remove(Record& record) {
  if (!record.aged) return;
  record.aged = false;
  (record.older != nullptr ? record.older->newer : oldest_) = record.newer;
  (record.newer != nullptr ? record.newer->older : newest_) = record.older;
  record.older = record.newer = nullptr;
}

void Shard::list_by_age() {
  oldest_ = newest_ = nullptr;
  if (max_age_.count() == 0) return;
  std::vector<Record*> by_age;
  by_age.reserve(records_.size());
  for (const auto& record : records_) by_age.push_back(record.get());
  std::sort(by_age.begin(), by_age.end(),
            [](const Record* a, const Record* b) { return a->job.written() < b->job.written(); });
  for (Record* const record : by_age) age_append(*record);
}

void Shard::drop_expired() {
  if (max_age_.count() == 0 || installing_) return;
  const WallTime limit = table_.clock_.wall_now() - max_age_;
  while (oldest_ != nullptr && oldest_->job.written() <= limit) {
    const TimePoint now = table_.clock_.now();
    Record& record = *oldest_;
    const bool wake = table_.overview_->update(listed(record), std::nullopt, 0, now);
    if (wake) table_.overview_->wake();
    job_gone(record, now);
    age_remove(record);
    if (record.queued) {
      std::erase_if(changed_, [&](const Changed& entry) { return entry.record == &record; });
    }
    records_.erase(records_.find(std::string_view(record.job.id())));
  }
}

}  // namespace bide
