#include "core/shard.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/overview.h"

namespace bide {

Shard::Shard(JobTable& table)
    : table_(table),
      jobs_max_(std::max<std::size_t>(1, table.options_.jobs_max / table.options_.shards)) {
  snapshot_ring_.resize(
      std::max<std::size_t>(1, table.options_.snapshots_max / table.options_.shards));
  attendant_ = std::thread([this] { attend(); });
}

Shard::~Shard() { assert(!attendant_.joinable()); }

// --- The watcher's side ---------------------------------------------------------------------

bool Shard::apply(const Entry& entry, TimePoint delivered) {
  bool taken = false;
  bool news = false;
  bool overview_news = false;
  {
    MutexLock lock(mutex_);
    taken = absorb(entry, delivered);
    // Here, so that who has seen the state finds the position where it is.
    table_.position_.advance(entry.revision);
    news = std::exchange(news_due_, false);
    overview_news = std::exchange(overview_due_, false);
  }
  // Not under the lock: the attendant would wake up only to wait for it.
  if (news) news_.notify_one();
  if (overview_news) table_.overview_->wake();
  return taken;
}

bool Shard::absorb(const Entry& entry, TimePoint delivered) {
  Record* record = find(entry.job_id);
  if (record == nullptr) {
    if (entry.takes_away()) return true;
    if (records_.size() >= jobs_max_) return false;
    record = &find_or_add(entry.job_id);
  }
  const std::optional<Listed> before = listed(*record);
  const WallTime written = record->job.written();
  const Job::Absorbed absorbed = record->job.absorb(entry);
  if (absorbed == Job::Absorbed::kChanged) moved(*record, before, entry.revision, delivered);
  // Else it would keep those behind it from leaving.
  if (record->job.written() != written || !record->aged) {
    age_remove(*record);
    age_append(*record);
  }
  list_by_oldest(*record);
  erase_if_unneeded(*record);
  return absorbed != Job::Absorbed::kFull;
}

void Shard::moved(Record& record, const std::optional<Listed>& before, Revision revision,
                  TimePoint delivered) {
  const std::optional<Listed> after = listed(record);
  if (before && !after) {
    job_gone(record, delivered);
  } else {
    changed(record, delivered);
  }
  if (table_.overview_->update(before, after, revision, delivered)) overview_due_ = true;
}

RecordIndex Shard::install(RecordIndex records, Epoch epoch, std::chrono::nanoseconds max_age) {
  RecordIndex old;
  {
    MutexLock lock(mutex_);
    installing_ = true;
    const bool same_stream = epoch_ == epoch;
    epoch_ = epoch;
    max_age_ = max_age;
    std::swap(records_, old);
    std::swap(records_, records);
    std::fill(snapshot_ring_.begin(), snapshot_ring_.end(), nullptr);
    changed_.clear();
    by_oldest_.clear();
    lists_oldest_ = false;
    const TimePoint settled_at = table_.clock_.now() + table_.options_.settle;
    for (const auto& record : records_) record->settled_at = settled_at;
    for (const auto& record : old) {
      if (same_stream) {
        Record* const now = find(record->job.id());
        if (now != nullptr && now->job.revision() == record->job.revision()) {
          now->settled_at = record->settled_at;
        }
      }
      if (record->waiters != nullptr) adopt(*record);
    }
    list_by_age();
    news_.notify_one();
  }
  return old;
}

void Shard::end_install() {
  MutexLock lock(mutex_);
  installing_ = false;
  news_.notify_one();  // Somebody's time may have come meanwhile.
}

// Moves the waiters of a record that was replaced to the one that replaces it. They are judged
// again by the attendant: who sees no difference stays parked.
void Shard::adopt(Record& old) {
  Record* record = find(old.job.id());
  const bool exists = record != nullptr && record->job.defined();
  if (old.job.defined() && !exists) {
    job_gone(old, table_.clock_.now());
    return;
  }
  if (record == nullptr) record = &find_or_add(old.job.id());  // Only `exists` waits for no job.
  while (old.waiters != nullptr) {
    Waiter& waiter = *old.waiters;
    WaiterList::unlink(waiter);
    record->link(waiter);
  }
  if (!record->queued) {
    record->queued = true;
    changed_.push_back({record, table_.clock_.now()});
  }
}

// --- The requests' side ---------------------------------------------------------------------

JobTable::Look Shard::look(std::string_view id, const Waiter::Terms& terms, TimePoint now) {
  MutexLock lock(mutex_);
  Record* const record = find(id);
  if (record == nullptr || !record->job.defined()) return {};
  return {snapshot_of(*record), judge(*record, terms, now).verdict};
}

JobTable::Parked Shard::park(std::string_view id, Waiter& waiter, std::uint64_t ticket,
                             TimePoint now, JobTable::Look& look) {
  JobTable::Parked parked{};
  bool news = false;
  {
    MutexLock lock(mutex_);
    parked = try_park(id, waiter, ticket, now, look);
    news = std::exchange(news_due_, false);
  }
  if (news) news_.notify_one();
  return parked;
}

JobTable::Parked Shard::try_park(std::string_view id, Waiter& waiter, std::uint64_t ticket,
                                 TimePoint now, JobTable::Look& look) {
  look = {};
  if (!waiter.present(ticket)) return JobTable::Parked::kGone;
  Record* record = find(id);
  Condition::Judgement judgement{Verdict::kPending};
  const bool exists = record != nullptr && record->job.defined();
  if (exists) {
    judgement = judge(*record, waiter.terms, now);
  } else if (waiter.terms.condition.kind() != Condition::Kind::kExists) {
    return JobTable::Parked::kReady;
  }
  // Rendered only where it is answered with: most that come here are going to wait.
  const auto refuse = [&](JobTable::Parked why) NO_THREAD_SAFETY_ANALYSIS {
    if (exists) look = {snapshot_of(*record), judgement.verdict};
    return why;
  };
  if (judgement.verdict != Verdict::kPending) return refuse(JobTable::Parked::kReady);
  if (draining_) return refuse(JobTable::Parked::kDraining);
  const std::uint16_t places = waiter.terms.places;
  if (places > 0 && !table_.places_.try_take(places)) return refuse(JobTable::Parked::kFull);
  (record != nullptr ? *record : find_or_add(id)).link(waiter);
  due_.insert(waiter, std::min(waiter.terms.deadline, judgement.again_at));
  if (&due_.top() == &waiter) news_due_ = true;
  return JobTable::Parked::kParked;
}

void Shard::unpark(Waiter& waiter) {
  MutexLock lock(mutex_);
  if (!due_.holds(waiter)) return;  // An attendant lost its claim to us.
  Record* const record = record_of(waiter);
  forget(waiter);
  if (record != nullptr) erase_if_unneeded(*record);
}

std::size_t Shard::jobs() const {
  MutexLock lock(mutex_);
  return records_.size();
}

// --- Records, waiters, snapshots --------------------------------------------------------------

Record* Shard::find(std::string_view id) {
  const auto it = records_.find(id);
  return it == records_.end() ? nullptr : it->get();
}

Record& Shard::find_or_add(std::string_view id) {
  if (Record* const record = find(id)) return *record;
  return **records_.insert(std::make_unique<Record>(std::string(id))).first;
}

void Shard::changed(Record& record, TimePoint delivered) {
  forget_snapshot(record);
  record.settled_at = table_.clock_.now() + table_.options_.settle;
  if (record.waiters == nullptr || record.queued) return;
  record.queued = true;
  changed_.push_back({&record, delivered});
  news_due_ = true;
}

void Shard::job_gone(Record& record, TimePoint at) {
  forget_snapshot(record);
  if (gone_.empty()) gone_since_ = at;
  while (record.waiters != nullptr) {
    gone_.push_back(record.waiters);
    WaiterList::unlink(*record.waiters);
  }
  if (!gone_.empty()) news_due_ = true;
}

void Shard::erase_if_unneeded(Record& record) {
  if (!record.job.empty() || record.waiters != nullptr || record.queued) return;
  forget_snapshot(record);
  age_remove(record);
  unlist_by_oldest(record);
  records_.erase(records_.find(std::string_view(record.job.id())));
}

const std::shared_ptr<const Snapshot>& Shard::snapshot_of(Record& record) {
  if (record.snapshot == nullptr) {
    Record*& slot = snapshot_ring_[snapshot_next_];
    if (slot != nullptr) slot->snapshot.reset();
    slot = &record;
    record.snapshot_slot = snapshot_next_;
    snapshot_next_ = (snapshot_next_ + 1) % static_cast<std::uint32_t>(snapshot_ring_.size());
    record.snapshot = make_snapshot(record.job, epoch_);
  }
  return record.snapshot;
}

void Shard::forget_snapshot(Record& record) {
  if (record.snapshot == nullptr) return;
  record.snapshot.reset();
  snapshot_ring_[record.snapshot_slot] = nullptr;
}

Condition::Judgement Shard::judge(Record& record, const Waiter::Terms& terms, TimePoint now) {
  return terms.condition.judge(
      record.job, terms.seen, now, record.settled_at,
      [&]() NO_THREAD_SAFETY_ANALYSIS { return snapshot_of(record)->as(terms.type).tag; });
}

// The waiter leaves the lot, however it does.
void Shard::forget(Waiter& waiter) {
  if (record_of(waiter) != nullptr) {
    WaiterList::unlink(waiter);
  } else if (gone_.back() == &waiter) {
    gone_.pop_back();  // The attendant empties the list from its end.
  } else {
    std::erase(gone_, &waiter);
  }
  due_.erase(waiter);
  if (waiter.terms.places > 0) table_.places_.give_back(waiter.terms.places);
}

}  // namespace bide
