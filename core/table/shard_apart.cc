// Large jobs of a shard (core/table/shard.h), and the thread that renders them for parked requests.
#include <algorithm>
#include <new>
#include <utility>

#include "core/table/shard.h"

namespace bide {
namespace {

// The thread rests so many times as long as it worked. So three quarters of a core are left for
// other work, however much is written to however many large jobs.
constexpr int kRestFactor = 3;

}  // namespace

bool Shard::belongs_apart(const JobRecord& record, TimePoint now) const {
  return record.job.bytes() >= kApartBytes && !has_snapshot(record, now);
}

void Shard::send_apart(JobRecord& record) {
  if (record.apart) return;
  apart_.push_back(&record);
  record.apart = true;
  apart_work_.notify_one();
}

bool Shard::try_send_apart(JobRecord& record) noexcept {
  try {
    send_apart(record);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

Shard::Copy Shard::copy_of(const JobRecord& record, TimePoint now) const {
  Copy copy{record.job.frozen(), moment_of(record, now), epoch_, nullptr};
  copy.followed = record.followed > 0;
  if (copy.followed) copy.before = record.snapshot;
  return copy;
}

Shard::Copy Shard::try_copy_of(const JobRecord& record, TimePoint now) const noexcept {
  try {
    return copy_of(record, now);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

void Shard::Copy::render() {
  const bool in_grace = moment.in_grace(*job);
  snapshot = followed ? make_followed_snapshot(*job, epoch, in_grace, before.get())
                      : make_snapshot(*job, epoch, in_grace);
}

bool Shard::Copy::try_render() noexcept {
  try {
    if (snapshot == nullptr) render();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

Condition::Judgement Shard::Copy::judge(const Waiter::Terms& terms) const {
  return terms.condition.judge(*job, terms.seen, moment,
                               [&] { return snapshot->as(terms.type).tag; });
}

// A loss may leave the revision as it was, but not the number of keys.
bool Shard::Copy::is_still(const Job& now) const {
  return now.revision() == job->revision() && now.keys() == job->keys();
}

// If the job has changed meanwhile, the snapshot is kept only for its chain, and only if the record
// still has the snapshot from which that leads on.
void Shard::keep(const Copy& copy) {
  JobRecord* const record = find(copy.job->id());
  if (record == nullptr || epoch_ != copy.epoch || !record->job.defined()) return;
  if (record->snapshot != nullptr && !record->stale) return;
  const bool current = copy.is_still(record->job);
  const bool leads_on = copy.followed && record->stale && record->snapshot == copy.before;
  if (!current && !leads_on) return;
  keep_snapshot(*record, copy.snapshot);
  record->stale = !current;
  if (record->followed > 0) --record->followed;
}

void Shard::render_apart() {
  MutexLock lock(queue_.mutex);
  while (!stopped_) {
    const TimePoint began = table_.clock_.now();
    if (apart_.empty() || began < apart_from_) {
      const TimePoint wake = apart_.empty() ? kEndOfTime : apart_from_;
      table_.clock_.wait_until(apart_work_, queue_.mutex, wake);
      continue;
    }
    JobRecord& record = *apart_.front();
    apart_.pop_front();
    record.apart = false;
    if (!record.job.defined() || record.waiters == nullptr) {
      erase_if_unneeded(record);
      continue;
    }
    Batch batch;
    Copy copy = try_copy_of(record, began);
    if (copy.job == nullptr) {
      // Before the mutex is released: otherwise a drain could end before these are answered.
      lose_all(record, batch);
      queue_.deliver(batch);
      continue;
    }
    if (has_snapshot(record, began)) copy.snapshot = record.snapshot;  // Rendered for a look.
    queue_.mutex.unlock();
    const bool rendered = copy.try_render();
    queue_.mutex.lock();
    if (rendered) {
      keep(copy);
      take_rendered(copy, table_.clock_.now(), batch);
    } else if (JobRecord* const again = find(copy.job->id())) {
      lose_all(*again, batch);
      erase_if_unneeded(*again);
    }
    queue_.deliver(batch);
    const TimePoint ended = table_.clock_.now();
    apart_from_ = ended + kRestFactor * (ended - began);
  }
}

// If the job has changed since, the copy is still newer than what some clients have seen. The
// others are judged again, because the notifier knows of the change. Clients that have seen more
// have parked meanwhile, and wait for the next rendering.
void Shard::take_rendered(const Copy& copy, TimePoint now, Batch& batch) {
  JobRecord* const record = find(copy.job->id());
  if (record == nullptr || !record->job.defined() || epoch_ != copy.epoch) return;
  const bool current = copy.is_still(record->job);
  for (Waiter *waiter = record->waiters, *next = nullptr; waiter != nullptr; waiter = next) {
    next = WaiterList::next(*waiter);
    if (waiter->terms.patches) record->followed = JobRecord::kFollowed;
    const auto& tags = waiter->terms.seen.tags();
    const bool seen_more = std::any_of(tags.begin(), tags.end(), [&](const EntityTag& tag) {
      return tag.epoch == copy.epoch && tag.revision > copy.job->revision();
    });
    if (seen_more && !current) continue;
    const Condition::Judgement judgement = copy.judge(waiter->terms);
    const bool change = judgement.verdict == Verdict::kNews ||
                        waiter->terms.condition.kind() == Condition::Kind::kChange;
    if (judgement.verdict != Verdict::kPending) {
      queue_.take(*waiter, change ? Outcome::kChanged : Outcome::kDone, copy.snapshot, {}, batch);
    } else if (waiter->terms.deadline <= now) {
      queue_.take(*waiter, Outcome::kTimeout, copy.snapshot, {}, batch);
    } else {
      queue_.set_due(*waiter, std::min(waiter->terms.deadline, judgement.again_at));
    }
  }
  erase_if_unneeded(*record);
  queue_.wake();  // The next due time has changed.
}

}  // namespace bide
