#include "core/table/shard.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/job/patch.h"
#include "core/table/overview.h"

namespace bide {
namespace {

std::size_t bytes_of(const Snapshot& snapshot) {
  return sizeof(Snapshot) + snapshot.json.bytes.size() + snapshot.json_line.size() +
         (snapshot.chain != nullptr ? snapshot.chain->bytes() : 0);
}

}  // namespace

Shard::Shard(JobTable& table)
    : table_(table),
      jobs_max_(std::max<std::size_t>(1, table.options_.jobs_max / table.options_.shards)),
      snapshot_bytes_max_(table.options_.snapshot_bytes_max / table.options_.shards),
      queue_(table.clock_, table.executor_, table.places_, *this) {
  snapshot_ring_.resize(
      std::max<std::size_t>(1, table.options_.snapshots_max / table.options_.shards));
  queue_.start();
  renderer_ = std::thread([this] { render_apart(); });
}

Shard::~Shard() { assert(!renderer_.joinable()); }

// --- The watcher's side ---------------------------------------------------------------------

Admitted Shard::apply(const Entry& entry, TimePoint delivered) {
  WaitQueue::Lock lock(queue_);
  const Admitted taken = absorb(entry, delivered);
  // Under the lock, so that a thread that has seen the state also sees the position.
  table_.position_.advance(entry.revision);
  return taken;
}

Admitted Shard::absorb(const Entry& entry, TimePoint delivered) {
  JobRecord* record = find(entry.job_id);
  if (record == nullptr || record->job.empty()) {
    if (entry.takes_away()) return {};
    if (jobs_ >= jobs_max_) return {RejectReason::kTableFull};
    if (record == nullptr) record = &find_or_add(entry.job_id);
  }
  const std::optional<Listed> before = listed(*record);
  Job& job = record->job;
  const WallTime written = job.written();
  const bool was_final = before && moment_of(*record, delivered).is_final(job);
  const std::size_t bytes_before = job.bytes();
  const std::size_t keys_before = job.keys();
  const bool has_chain = record->snapshot != nullptr && record->snapshot->chain != nullptr;
  if (has_chain && !job.only_adds(entry)) forget_snapshot(*record);
  keep_for_cut(*record);
  const Job::Absorbed absorbed =
      job.absorb(entry, job.growth_within(table_.options_.memory_max, table_.memory()));
  account(job, bytes_before);
  if (absorbed == Job::Absorbed::kChanged) {
    if (entry.family == Entry::Family::kProgress) {
      progressed(*record, before, entry.revision, delivered);
    } else {
      moved(*record, before, entry.revision, delivered);
    }
  }
  if (was_final && job.defined() && (!job.final() || job.status() != before->status)) {
    table_.reopened_.fetch_add(1, std::memory_order_relaxed);
  }
  // Otherwise it would keep the records behind it from leaving.
  if (record->job.written() != written || !record->aged) {
    age_remove(*record);
    age_append(*record);
  }
  list_by_oldest(*record);
  const Admitted taken = admitted(absorbed, entry, keys_before, job);
  erase_if_unneeded(*record);
  return taken;
}

void Shard::account(const Job& job, std::size_t bytes_before) {
  const std::size_t bytes = job.bytes();
  table_.memory_.fetch_add(bytes - bytes_before, std::memory_order_relaxed);
  if (bytes_before == 0 && bytes > 0) ++jobs_;
  if (bytes_before > 0 && bytes == 0) --jobs_;
}

void Shard::moved(JobRecord& record, const std::optional<Listed>& before, Revision revision,
                  TimePoint delivered) {
  const std::optional<Listed> after = listed(record);
  record.told = 0;
  record.settled_at = table_.clock_.now() + table_.options_.settle;
  if (before && !after) {
    job_gone(record, delivered);
  } else {
    changed(record, delivered);
  }
  table_.overview_->update(before, after, revision, delivered);
}

void Shard::progressed(JobRecord& record, const std::optional<Listed>& before, Revision revision,
                       TimePoint delivered) {
  if (!record.paced) {
    record.paced = true;
    paced_.push_back({&record, table_.clock_.now() + kProgressInterval});
    if (paced_.size() == 1) queue_.notify();  // The notifier may sleep for longer.
    changed(record, delivered);
  } else {
    outdate_snapshot(record);
    if (record.told == 0) record.told = before->revision;
  }
  table_.overview_->update(before, listed(record), revision, delivered, true);
}

JobRecords Shard::install(JobRecords records, Epoch epoch, std::chrono::nanoseconds max_age) {
  JobRecords old;
  {
    WaitQueue::Lock lock(queue_);
    installing_ = true;
    break_cut();
    const bool same_stream = epoch_ == epoch;
    epoch_ = epoch;
    max_age_ = max_age;
    std::swap(records_, old);
    std::swap(records_, records);
    jobs_ = records_.size();
    std::fill(snapshot_ring_.begin(), snapshot_ring_.end(), nullptr);
    snapshot_bytes_ = 0;
    changed_.clear();
    paced_.clear();
    by_oldest_.clear();
    lists_oldest_ = false;
    apart_.clear();
    const TimePoint settled_at = table_.clock_.now() + table_.options_.settle;
    for (const auto& record : records_) record->settled_at = settled_at;
    for (const auto& record : old) {
      if (same_stream) {
        JobRecord* const now = find(record->job.id());
        if (now != nullptr && now->job.revision() == record->job.revision()) {
          now->settled_at = record->settled_at;
        }
      }
      if (record->waiters != nullptr) adopt(*record);
    }
    list_by_age();
    queue_.notify();
  }
  return old;
}

void Shard::end_install() {
  WaitQueue::Lock lock(queue_);
  installing_ = false;
  queue_.notify();  // A job may have reached its age meanwhile.
}

// Moves the waiters of a replaced record to its successor. The notifier judges them again; waiters
// whose condition does not hold stay parked.
void Shard::adopt(JobRecord& old) {
  JobRecord* record = find(old.job.id());
  const bool exists = record != nullptr && record->job.defined();
  if (old.job.defined() && !exists) {
    job_gone(old, table_.clock_.now());
    return;
  }
  if (record == nullptr) record = &find_or_add(old.job.id());  // It did not exist before either.
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

bool Shard::holds(const Entry& entry) {
  MutexLock lock(queue_.mutex);
  const JobRecord* const record = find(entry.job_id);
  return record != nullptr && record->job.holds(entry);
}

Presence Shard::presence(std::string_view id) {
  MutexLock lock(queue_.mutex);
  const JobRecord* const record = find(id);
  if (record == nullptr || record->job.empty()) return Presence::kNothing;
  return record->job.defined() ? Presence::kDefined : Presence::kEntries;
}

std::vector<std::string> Shard::entry_keys(std::string_view id) {
  std::unique_ptr<const Job> copy;  // The keys of a large job take milliseconds to write.
  {
    MutexLock lock(queue_.mutex);
    const JobRecord* const record = find(id);
    if (record == nullptr) return {};
    copy = record->job.frozen();
  }
  return copy->entry_keys();
}

Look Shard::look(std::string_view id, const Waiter::Terms& terms, TimePoint now) {
  Copy copy;
  {
    MutexLock lock(queue_.mutex);
    JobRecord* const record = find(id);
    if (record == nullptr || !record->job.defined()) return {};
    if (terms.patches) follow(*record);
    if (!belongs_apart(*record, now)) {
      return {snapshot_of(*record, now), judge(*record, terms, now).verdict};
    }
    copy = copy_of(*record, now);
  }
  copy.render();
  {
    MutexLock lock(queue_.mutex);
    keep(copy);
  }
  return {copy.snapshot, copy.judge(terms).verdict};
}

Parked Shard::park(std::string_view id, Waiter& waiter, std::uint64_t ticket, TimePoint now,
                   Look& look) {
  WaitQueue::Lock lock(queue_);
  return try_park(id, waiter, ticket, now, look);
}

Parked Shard::try_park(std::string_view id, Waiter& waiter, std::uint64_t ticket, TimePoint now,
                       Look& look) {
  look = {};
  if (!waiter.present(ticket)) return Parked::kGone;
  JobRecord* record = find(id);
  Condition::Judgement judgement{Verdict::kPending};
  const bool exists = record != nullptr && record->job.defined();
  if (exists && waiter.terms.patches) follow(*record);
  // It is judged when the job has been rendered.
  const bool apart = exists && !queue_.draining() && belongs_apart(*record, now);
  if (apart) {
    judgement.again_at = kEndOfTime;
  } else if (exists) {
    judgement = judge(*record, waiter.terms, now);
  } else if (!waiter.terms.waits_for_job) {
    return Parked::kReady;
  }
  // Renders only for an answer: most requests that come here will wait.
  const auto refuse = [&](Parked why) NO_THREAD_SAFETY_ANALYSIS {
    if (exists && !apart) look = {snapshot_of(*record, now), judgement.verdict};
    return why;
  };
  if (judgement.verdict != Verdict::kPending) return refuse(Parked::kReady);
  if (queue_.draining()) return refuse(Parked::kDraining);
  // Everything that may throw comes before the first step that would have to be undone.
  queue_.make_room();
  JobRecord& on = record != nullptr ? *record : find_or_add(id);
  if (apart) send_apart(on);
  if (!queue_.try_park(waiter, on, std::min(waiter.terms.deadline, judgement.again_at))) {
    erase_if_unneeded(on);
    return refuse(Parked::kFull);
  }
  return Parked::kParked;
}

void Shard::unpark(Waiter& waiter) {
  MutexLock lock(queue_.mutex);
  if (!queue_.is_parked(waiter)) return;
  JobRecord* const record = record_of(waiter);
  queue_.unpark(waiter);
  // If it is parked again, a job that was there and is deleted by then is gone.
  if (record == nullptr || record->job.defined()) waiter.terms.waits_for_job = false;
  if (record != nullptr) erase_if_unneeded(*record);
}

std::size_t Shard::jobs() const {
  MutexLock lock(queue_.mutex);
  return jobs_;
}

std::size_t Shard::records() const {
  MutexLock lock(queue_.mutex);
  return records_.size();
}

// --- Records, waiters, snapshots --------------------------------------------------------------

JobRecord* Shard::find(std::string_view id) {
  const auto it = records_.find(id);
  return it == records_.end() ? nullptr : it->get();
}

JobRecord& Shard::find_or_add(std::string_view id) {
  if (JobRecord* const record = find(id)) return *record;
  JobRecord& made = **records_.insert(std::make_unique<JobRecord>(std::string(id))).first;
  made.cut = cut_.number;
  return made;
}

void Shard::changed(JobRecord& record, TimePoint delivered) {
  outdate_snapshot(record);
  if (record.waiters == nullptr || record.queued) return;
  record.queued = true;
  changed_.push_back({&record, delivered});
  queue_.notify();
}

void Shard::job_gone(JobRecord& record, TimePoint at) {
  forget_snapshot(record);
  if (gone_.waiters == nullptr) gone_since_ = at;
  while (record.waiters != nullptr) {
    Waiter& waiter = *record.waiters;
    WaiterList::unlink(waiter);
    gone_.link(waiter);
  }
  if (gone_.waiters != nullptr) queue_.notify();
}

void Shard::erase_if_unneeded(JobRecord& record) {
  if (!record.job.empty() || record.waiters != nullptr) return;
  if (record.queued || record.apart || record.paced) return;
  forget_snapshot(record);
  age_remove(record);
  unlist_by_oldest(record);
  records_.erase(records_.find(std::string_view(record.job.id())));
}

Moment Shard::moment_of(const JobRecord& record, TimePoint now) const {
  Moment moment{now, record.settled_at};
  moment.epoch = epoch_;
  moment.told = record.told;
  const auto grace = table_.options_.retry_grace;
  if (grace.count() == 0 || !is_terminal(record.job.status())) return moment;
  // By the stream's time of the last event, so replicas differ only by their own clocks.
  const auto left = record.job.last_event() + grace - table_.clock_.wall_now();
  moment.graced_at = now + std::clamp<std::chrono::nanoseconds>(left, -grace, grace);
  return moment;
}

// A snapshot changes without an entry only when the retry grace ends.
bool Shard::has_snapshot(const JobRecord& record, TimePoint now) const {
  return record.snapshot != nullptr && !record.stale &&
         record.snapshot->in_grace == moment_of(record, now).in_grace(record.job);
}

const std::shared_ptr<const Snapshot>& Shard::snapshot_of(JobRecord& record, TimePoint now) {
  if (!has_snapshot(record, now)) {
    const bool in_grace = moment_of(record, now).in_grace(record.job);
    if (record.followed == 0) {
      keep_snapshot(record, make_snapshot(record.job, epoch_, in_grace));
    } else {
      keep_snapshot(record,
                    make_followed_snapshot(record.job, epoch_, in_grace, record.snapshot.get()));
      --record.followed;
    }
  }
  return record.snapshot;
}

void Shard::keep_snapshot(JobRecord& record, std::shared_ptr<const Snapshot> snapshot) {
  forget_snapshot(record);
  if (JobRecord* const oldest = snapshot_ring_[snapshot_next_]) forget_snapshot(*oldest);
  snapshot_bytes_ += bytes_of(*snapshot);
  snapshot_ring_[snapshot_next_] = &record;
  record.snapshot_slot = snapshot_next_;
  record.snapshot = std::move(snapshot);
  const auto next_of = [&](std::uint32_t slot) NO_THREAD_SAFETY_ANALYSIS {
    return (slot + 1) % static_cast<std::uint32_t>(snapshot_ring_.size());
  };
  snapshot_next_ = next_of(snapshot_next_);
  for (std::uint32_t slot = snapshot_next_;
       snapshot_bytes_ > snapshot_bytes_max_ && slot != record.snapshot_slot;
       slot = next_of(slot)) {
    if (snapshot_ring_[slot] != nullptr) forget_snapshot(*snapshot_ring_[slot]);
  }
}

void Shard::forget_snapshot(JobRecord& record) {
  if (record.snapshot == nullptr) return;
  snapshot_bytes_ -= bytes_of(*record.snapshot);
  record.snapshot.reset();
  record.stale = false;
  snapshot_ring_[record.snapshot_slot] = nullptr;
}

void Shard::outdate_snapshot(JobRecord& record) {
  if (record.snapshot != nullptr && record.snapshot->chain != nullptr && record.followed > 0) {
    record.stale = true;
  } else {
    forget_snapshot(record);
  }
}

// A chain begins with a snapshot that was rendered for one.
void Shard::follow(JobRecord& record) {
  record.followed = JobRecord::kFollowed;
  if (record.snapshot != nullptr && record.snapshot->chain == nullptr) forget_snapshot(record);
}

Condition::Judgement Shard::judge(JobRecord& record, const Waiter::Terms& terms, TimePoint now) {
  return terms.condition.judge(
      record.job, terms.seen, moment_of(record, now),
      [&]() NO_THREAD_SAFETY_ANALYSIS { return snapshot_of(record, now)->as(terms.type).tag; });
}

}  // namespace bide
