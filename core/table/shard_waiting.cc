// How the notifier of core/table/shard.h finds the parked requests that are ready.
#include <algorithm>
#include <new>
#include <utility>

#include "core/table/shard.h"

namespace bide {
namespace {

// How many jobs one pass judges and renders under the lock. Rendering one takes a few microseconds
// (large ones are rendered apart). Without this bound the watcher would wait 30 ms behind 10,000 of
// them, and so would the first answer.
constexpr std::size_t kJobsPerPass = 256;

}  // namespace

bool Shard::collect(TimePoint now, Batch& batch) {
  tell_progress(now, batch);
  collect_gone(batch);
  collect_changed(now, batch);  // Before collect_due(): a change before the deadline beats it.
  collect_due(now, batch);
  drop_expired();
  return !changed_.empty() || gone_.waiters != nullptr;
}

// The time of all records is the same, so the list stays sorted. Splicing allocates nothing.
void Shard::tell_progress(TimePoint now, Batch& batch) {
  while (!paced_.empty() && paced_.front().until <= now) {
    JobRecord& record = *paced_.front().record;
    if (record.told == 0) {
      paced_.pop_front();
      record.paced = false;
      erase_if_unneeded(record);
      continue;
    }
    record.told = 0;
    paced_.front().until = now + kProgressInterval;
    paced_.splice(paced_.end(), paced_, paced_.begin());
    try {
      changed(record, now);
    } catch (const std::bad_alloc&) {
      lose_all(record, batch);
    }
  }
}

void Shard::collect_gone(Batch& batch) {
  while (gone_.waiters != nullptr) {
    queue_.take(*gone_.waiters, Outcome::kGone, nullptr, gone_since_, batch);
  }
}

void Shard::collect_changed(TimePoint now, Batch& batch) {
  const std::size_t jobs = std::min(changed_.size(), kJobsPerPass);
  for (std::size_t i = 0; i < jobs; ++i) {
    JobRecord& record = *changed_[i].record;
    record.queued = false;
    if (record.job.defined() && belongs_apart(record, now)) {
      if (!try_send_apart(record)) lose_all(record, batch);
      continue;
    }
    for (Waiter *waiter = record.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
      next = WaiterList::next(*waiter);
      if (waiter->terms.patches) record.followed = JobRecord::kFollowed;
      take_if_ready(*waiter, now, changed_[i].since, batch);
    }
  }
  // Erasing is safe: `queued` keeps a record from being on changed_ twice.
  for (std::size_t i = 0; i < jobs; ++i) erase_if_unneeded(*changed_[i].record);
  changed_.erase(changed_.begin(), changed_.begin() + static_cast<long>(jobs));
}

void Shard::collect_due(TimePoint now, Batch& batch) {
  while (Waiter* const due = queue_.due_by(now)) {
    Waiter& waiter = *due;
    JobRecord& record = *record_of(waiter);
    if (queue_.draining()) {
      take_as_it_is(waiter, Outcome::kDrain, now, batch);
    } else if (record.job.defined() && belongs_apart(record, now)) {
      if (try_send_apart(record)) {
        queue_.set_due(waiter, kEndOfTime);
      } else {
        queue_.lose(waiter, batch);
      }
    } else if (waiter.terms.deadline > now) {
      take_if_ready(waiter, now, {}, batch);  // It may be ready by time alone.
    } else {
      take_as_it_is(waiter, Outcome::kTimeout, now, batch);
    }
  }
}

void Shard::take_if_ready(Waiter& waiter, TimePoint now, TimePoint news_at, Batch& batch) {
  JobRecord& record = *record_of(waiter);
  if (!record.job.defined()) return;  // Its waiters wait for the definition, not for an event.
  try {
    const Condition::Judgement judgement = judge(record, waiter.terms, now);
    if (judgement.verdict == Verdict::kPending) {
      queue_.set_due(waiter, std::min(waiter.terms.deadline, judgement.again_at));
      return;
    }
    const bool change = judgement.verdict == Verdict::kNews ||
                        waiter.terms.condition.kind() == Condition::Kind::kChange;
    queue_.take(waiter, change ? Outcome::kChanged : Outcome::kDone, snapshot_of(record, now),
                news_at, batch);
  } catch (const std::bad_alloc&) {
    queue_.lose(waiter, batch);
  }
}

void Shard::take_as_it_is(Waiter& waiter, Outcome outcome, TimePoint now, Batch& batch) {
  JobRecord& record = *record_of(waiter);
  try {
    queue_.take(waiter, outcome, record.job.defined() ? snapshot_of(record, now) : nullptr, {},
                batch);
  } catch (const std::bad_alloc&) {
    queue_.lose(waiter, batch);
  }
  erase_if_unneeded(record);
}

void Shard::lose_all(JobRecord& record, Batch& batch) {
  while (record.waiters != nullptr) queue_.lose(*record.waiters, batch);
}

TimePoint Shard::next_work(TimePoint now) const {
  const TimePoint progress = paced_.empty() ? kEndOfTime : paced_.front().until;
  if (oldest_ == nullptr || installing_) return progress;
  const auto left = oldest_->job.written() + max_age_ - table_.clock_.wall_now();
  return std::min(progress,
                  now + std::max<std::chrono::nanoseconds>(left, std::chrono::milliseconds(1)));
}

void Shard::stop() {
  queue_.stop();
  {
    MutexLock lock(queue_.mutex);
    stopped_ = true;
    apart_work_.notify_one();
  }
  if (renderer_.joinable()) renderer_.join();
}

}  // namespace bide
