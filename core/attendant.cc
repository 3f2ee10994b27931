// The attendant's half of core/shard.h: one thread per shard that sleeps until a job changed, went
// away, or a due time passed, takes the requests that are ready, and answers them without the lock:
// answering does socket I/O, and applying events must not wait for sockets.
#include <algorithm>
#include <utility>

#include "core/shard.h"

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
    std::vector<Ready> ready = take_ready(now);
    if (ready.empty()) {
      if (draining_) drained_.notify_all();
      if (changed_.empty()) table_.clock_.wait_until(news_, mutex_, next_wake(now));
      continue;
    }
    handing_out_ = true;
    mutex_.unlock();
    hand_out(std::move(ready), table_.crew_);
    mutex_.lock();
    handing_out_ = false;
  }
}

std::vector<Ready> Shard::take_ready(TimePoint now) {
  std::vector<Ready> ready;
  take_gone(ready);
  take_changed(now, ready);  // Before take_due: a change before the deadline beats the deadline.
  if (draining_) take_all(now, ready);
  take_due(now, ready);
  drop_expired();
  return ready;
}

void Shard::take_all(TimePoint now, std::vector<Ready>& ready) {
  while (!due_.empty()) {
    Waiter& waiter = due_.top();
    Record& record = *record_of(waiter);
    const bool exists = record.job.defined();
    take(waiter, exists ? snapshot_of(record, now) : nullptr, Outcome::kDrain, {}, ready);
    erase_if_unneeded(record);
  }
}

void Shard::take_gone(std::vector<Ready>& ready) {
  while (!gone_.empty()) take(*gone_.back(), nullptr, Outcome::kGone, gone_since_, ready);
}

void Shard::take_changed(TimePoint now, std::vector<Ready>& ready) {
  const std::size_t jobs = std::min(changed_.size(), kJobsPerPass);
  for (std::size_t i = 0; i < jobs; ++i) {
    Record& record = *changed_[i].record;
    record.queued = false;
    if (record.job.defined() && belongs_apart(record, now)) {
      send_apart(record);
      continue;
    }
    for (Waiter *waiter = record.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
      next = WaiterList::next(*waiter);
      take_if_ready(*waiter, now, changed_[i].since, ready);
    }
  }
  // A job whose record goes is not among the others: it is not queued any more.
  for (std::size_t i = 0; i < jobs; ++i) erase_if_unneeded(*changed_[i].record);
  changed_.erase(changed_.begin(), changed_.begin() + static_cast<long>(jobs));
}

void Shard::take_due(TimePoint now, std::vector<Ready>& ready) {
  while (due_.next_due() <= now) {
    Waiter& waiter = due_.top();
    Record& record = *record_of(waiter);
    const bool exists = record.job.defined();
    if (exists && belongs_apart(record, now)) {
      due_.change(waiter, kEndOfTime);
      send_apart(record);
      continue;
    }
    if (waiter.terms.deadline > now) {
      take_if_ready(waiter, now, {}, ready);  // Time alone may have made it ready.
      continue;
    }
    take(waiter, exists ? snapshot_of(record, now) : nullptr, Outcome::kTimeout, {}, ready);
    erase_if_unneeded(record);
  }
}

void Shard::take_if_ready(Waiter& waiter, TimePoint now, TimePoint news_at,
                          std::vector<Ready>& ready) {
  Record& record = *record_of(waiter);
  if (!record.job.defined()) return;  // Waits for the job to exist; an event alone is not news.
  const Condition::Judgement judgement = judge(record, waiter.terms, now);
  if (judgement.verdict == Verdict::kPending) {
    due_.change(waiter, std::min(waiter.terms.deadline, judgement.again_at));
    return;
  }
  const bool change = judgement.verdict == Verdict::kNews ||
                      waiter.terms.condition.kind() == Condition::Kind::kChange;
  take(waiter, snapshot_of(record, now), change ? Outcome::kChanged : Outcome::kDone, news_at,
       ready);
}

void Shard::take(Waiter& waiter, std::shared_ptr<const Snapshot> snapshot, Outcome outcome,
                 TimePoint news_at, std::vector<Ready>& ready) {
  forget(waiter);
  if (!waiter.try_claim()) return;
  waiter.news_at = news_at;
  ready.push_back({&waiter, outcome, std::move(snapshot)});
}

TimePoint Shard::next_wake(TimePoint now) const {
  if (!gone_.empty()) return now;
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
