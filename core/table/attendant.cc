// The attendant's half of core/table/shard.h: one thread per shard that sleeps until a job changed,
// went away, or a due time passed, takes the requests that are ready, and answers them without the
// lock: answering does socket I/O, and applying events must not wait for sockets.
#include <algorithm>
#include <new>
#include <utility>

#include "core/table/shard.h"

namespace bide {
namespace {

// Jobs judged and rendered in one pass under the lock. Rendering one takes a few microseconds
// (large ones are rendered apart); without a bound the watcher would wait 30 ms behind 10,000 of
// them, and so would the first answer.
constexpr std::size_t kJobsPerPass = 256;

}  // namespace

void Shard::attend() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    const TimePoint now = table_.clock_.now();
    Batch batch;
    take_ready(now, batch);
    if (batch.empty()) {
      if (draining_) drained_.notify_all();
      if (changed_.empty()) table_.clock_.wait_until(news_, mutex_, next_wake(now));
      continue;
    }
    handing_out_ = true;
    mutex_.unlock();
    hand_out(batch, table_.crew_);
    mutex_.lock();
    handing_out_ = false;
  }
}

void Shard::take_ready(TimePoint now, Batch& batch) {
  take_gone(batch);
  take_changed(now, batch);  // Before take_due: a change before the deadline beats the deadline.
  if (draining_) take_all(now, batch);
  take_due(now, batch);
  drop_expired();
}

void Shard::take_all(TimePoint now, Batch& batch) {
  while (!due_.empty()) take_as_it_is(due_.top(), Outcome::kDrain, now, batch);
}

void Shard::take_gone(Batch& batch) {
  while (gone_.waiters != nullptr) {
    take(*gone_.waiters, nullptr, Outcome::kGone, gone_since_, batch);
  }
}

void Shard::take_changed(TimePoint now, Batch& batch) {
  const std::size_t jobs = std::min(changed_.size(), kJobsPerPass);
  for (std::size_t i = 0; i < jobs; ++i) {
    Record& record = *changed_[i].record;
    record.queued = false;
    if (record.job.defined() && belongs_apart(record, now)) {
      if (!try_send_apart(record)) lose_all(record, batch);
      continue;
    }
    for (Waiter *waiter = record.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
      next = WaiterList::next(*waiter);
      take_if_ready(*waiter, now, changed_[i].since, batch);
    }
  }
  // A job whose record goes is not among the others: it is not queued any more.
  for (std::size_t i = 0; i < jobs; ++i) erase_if_unneeded(*changed_[i].record);
  changed_.erase(changed_.begin(), changed_.begin() + static_cast<long>(jobs));
}

void Shard::take_due(TimePoint now, Batch& batch) {
  while (due_.next_due() <= now) {
    Waiter& waiter = due_.top();
    Record& record = *record_of(waiter);
    if (record.job.defined() && belongs_apart(record, now)) {
      if (try_send_apart(record)) {
        due_.change(waiter, kEndOfTime);
      } else {
        lose(waiter, batch);
      }
    } else if (waiter.terms.deadline > now) {
      take_if_ready(waiter, now, {}, batch);  // Time alone may have made it ready.
    } else {
      take_as_it_is(waiter, Outcome::kTimeout, now, batch);
    }
  }
}

void Shard::take_if_ready(Waiter& waiter, TimePoint now, TimePoint news_at, Batch& batch) {
  Record& record = *record_of(waiter);
  if (!record.job.defined()) return;  // Waits for the job to exist; an event alone is not news.
  try {
    const Condition::Judgement judgement = judge(record, waiter.terms, now);
    if (judgement.verdict == Verdict::kPending) {
      due_.change(waiter, std::min(waiter.terms.deadline, judgement.again_at));
      return;
    }
    const bool change = judgement.verdict == Verdict::kNews ||
                        waiter.terms.condition.kind() == Condition::Kind::kChange;
    take(waiter, snapshot_of(record, now), change ? Outcome::kChanged : Outcome::kDone, news_at,
         batch);
  } catch (const std::bad_alloc&) {
    lose(waiter, batch);
  }
}

void Shard::take_as_it_is(Waiter& waiter, Outcome outcome, TimePoint now, Batch& batch) {
  Record& record = *record_of(waiter);
  try {
    take(waiter, record.job.defined() ? snapshot_of(record, now) : nullptr, outcome, {}, batch);
  } catch (const std::bad_alloc&) {
    lose(waiter, batch);
  }
  erase_if_unneeded(record);
}

void Shard::take(Waiter& waiter, std::shared_ptr<const Snapshot> snapshot, Outcome outcome,
                 TimePoint news_at, Batch& batch) {
  try {
    batch.ready.push_back({&waiter, outcome, std::move(snapshot)});
  } catch (const std::bad_alloc&) {
    return lose(waiter, batch);
  }
  forget(waiter);
  if (waiter.try_claim()) {
    waiter.news_at = news_at;
  } else {
    batch.ready.pop_back();
  }
}

void Shard::lose(Waiter& waiter, Batch& batch) {
  forget(waiter);
  if (waiter.try_claim()) batch.lost.link(waiter);
}

void Shard::lose_all(Record& record, Batch& batch) {
  while (record.waiters != nullptr) lose(*record.waiters, batch);
}

TimePoint Shard::next_wake(TimePoint now) const {
  if (gone_.waiters != nullptr) return now;
  TimePoint wake = due_.next_due();
  if (oldest_ != nullptr && !installing_) {
    const auto left = oldest_->job.written() + max_age_ - table_.clock_.wall_now();
    wake = std::min(wake,
                    now + std::max<std::chrono::nanoseconds>(left, std::chrono::milliseconds(1)));
  }
  return wake;
}

void Shard::begin_drain() {
  MutexLock lock(mutex_);
  draining_ = true;
  news_.notify_one();
}

void Shard::finish_drain() {
  MutexLock lock(mutex_);
  while (!due_.empty() || handing_out_ || taking_apart_) {
    drained_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  }
}

void Shard::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    news_.notify_one();
    apart_news_.notify_one();
  }
  if (attendant_.joinable()) attendant_.join();
  if (renderer_.joinable()) renderer_.join();
}

}  // namespace bide
