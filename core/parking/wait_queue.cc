#include "core/parking/wait_queue.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <new>
#include <utility>

namespace bide {
namespace {

// Fewer answers than kSplitFrom are not split, because that costs more than it gains.
constexpr std::size_t kSplitFrom = 128;
constexpr std::size_t kAnswersPerTask = 256;
// Of one task, where the executor answers all. A task that has run for kTaskTime leaves the rest to
// another one, because its thread has others to serve: each answer may render a large job.
constexpr std::size_t kAnswersHandedOut = 8;
constexpr std::chrono::milliseconds kTaskTime{1};

void answer(std::vector<Ready>& ready, std::size_t from, std::size_t to) noexcept {
  for (std::size_t i = from; i < to; ++i) {
    ready[i].waiter->answer(ready[i].outcome, std::move(ready[i].snapshot));
  }
}

// Null: there is no memory for it, and `ready` is as it was.
std::shared_ptr<std::vector<Ready>> shared_of(std::vector<Ready>& ready) noexcept {
  try {
    return std::make_shared<std::vector<Ready>>(std::move(ready));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void answer_for_a_while(const std::shared_ptr<std::vector<Ready>>& shared, std::size_t from,
                        std::size_t to, Executor& executor, const Clock& clock) noexcept {
  const TimePoint end = clock.now() + kTaskTime;
  while (from < to) {
    answer(*shared, from, from + 1);
    if (++from == to || clock.now() < end) continue;
    try {
      return executor.run([shared, from, to, &executor, &clock] {
        answer_for_a_while(shared, from, to, executor, clock);
      });
    } catch (const std::bad_alloc&) {
      // Goes on without a break.
    }
  }
}

void hand_out_all(const std::shared_ptr<std::vector<Ready>>& shared, Executor& executor,
                  const Clock& clock) noexcept {
  for (std::size_t from = 0; from < shared->size(); from += kAnswersHandedOut) {
    const std::size_t to = std::min(from + kAnswersHandedOut, shared->size());
    try {
      executor.run([shared, from, to, &executor, &clock] {
        answer_for_a_while(shared, from, to, executor, clock);
      });
    } catch (const std::bad_alloc&) {
      answer(*shared, from, to);
    }
  }
}

// The caller keeps the first part, and the executor's threads take the others as they come free.
void split(const std::shared_ptr<std::vector<Ready>>& shared, Executor& executor) noexcept {
  const std::size_t part = std::min(kAnswersPerTask, (shared->size() + 1) / 2);
  for (std::size_t from = part; from < shared->size(); from += part) {
    const std::size_t to = std::min(from + part, shared->size());
    try {
      executor.run([shared, from, to] { answer(*shared, from, to); });
    } catch (const std::bad_alloc&) {
      answer(*shared, from, to);
    }
  }
  answer(*shared, 0, part);
}

void answer_all(Batch& batch, Executor* executor, const Clock& clock,
                WaitQueue::Answers answers) noexcept {
  while (batch.lost.waiters != nullptr) {
    Waiter& waiter = *batch.lost.waiters;
    WaiterList::unlink(waiter);
    waiter.lose();
  }
  const bool all = answers == WaitQueue::Answers::kHandedOut && !batch.ready.empty();
  const bool shares = executor != nullptr && (all || batch.ready.size() >= kSplitFrom);
  if (const auto shared = shares ? shared_of(batch.ready) : nullptr) {
    return all ? hand_out_all(shared, *executor, clock) : split(shared, *executor);
  }
  answer(batch.ready, 0, batch.ready.size());
  batch.ready.clear();
}

}  // namespace

WaitQueue::WaitQueue(Clock& clock, Executor* executor, ParkingPlaces& places, Owner& owner,
                     Answers answers)
    : clock_(clock), executor_(executor), places_(places), owner_(owner), answers_(answers) {}

WaitQueue::~WaitQueue() { assert(!notifier_.joinable()); }

void WaitQueue::start() {
  notifier_ = std::thread([this] { run(); });
}

void WaitQueue::run() {
  MutexLock lock(mutex);
  while (!stopped_) {
    const TimePoint now = clock_.now();
    Batch batch;
    ++working_;
    const bool more = owner_.collect(now, batch);
    const bool idle = !more && batch.empty();
    deliver(batch);
    --working_;
    if (!idle) continue;
    if (draining_) drained_.notify_all();
    TimePoint next = std::min(due_.next_due(), owner_.next_work(now));
    if (draining_ && !due_.empty()) next = std::min(next, now + DrainPace::kStep);
    // Not later than before, even if the request that was due then has left: where requests come
    // one after the other, parking the next one does not wake the notifier for nothing.
    sleeps_until_ = sleeps_until_ > now ? std::min(sleeps_until_, next) : next;
    clock_.wait_until(work_, mutex, sleeps_until_);
  }
}

bool WaitQueue::try_park(Waiter& waiter, WaiterList& on, TimePoint due) {
  due_.make_room();  // Everything that may throw comes before the first step that would have to be
                     // undone.
  const std::uint16_t places = waiter.terms.places;
  if (places > 0 && !places_.try_take(places)) return false;
  on.link(waiter);
  due_.insert(waiter, due);
  if (due < sleeps_until_ && &due_.top() == &waiter) notify();
  return true;
}

void WaitQueue::remove(Waiter& waiter) {
  WaiterList& list = *WaiterList::of(waiter);
  WaiterList::unlink(waiter);
  due_.erase(waiter);
  owner_.on_left(waiter, list);
  if (waiter.terms.places > 0) places_.give_back(waiter.terms.places);
}

Waiter* WaitQueue::due_by(TimePoint limit) const {
  if (due_.empty()) return nullptr;
  const bool due = due_.next_due() <= limit ||
                   (draining_ && (pace_ == nullptr || pace_->try_take(clock_.now())));
  return due ? &due_.top() : nullptr;
}

bool WaitQueue::take_out(Waiter& waiter) {
  remove(waiter);
  return waiter.try_claim();
}

void WaitQueue::take(Waiter& waiter, Outcome outcome, std::shared_ptr<const Snapshot> snapshot,
                     TimePoint news_at, Batch& batch) {
  try {
    batch.ready.push_back({&waiter, outcome, std::move(snapshot)});
  } catch (const std::bad_alloc&) {
    return lose(waiter, batch);
  }
  if (take_out(waiter)) {
    waiter.news_at = news_at;
  } else {
    batch.ready.pop_back();
  }
}

void WaitQueue::lose(Waiter& waiter, Batch& batch) {
  if (take_out(waiter)) batch.lost.link(waiter);
}

void WaitQueue::deliver(Batch& batch) {
  if (batch.empty()) return;
  ++working_;
  unlock_and_wake();
  answer_all(batch, executor_, clock_, answers_);
  mutex.lock();
  --working_;
  if (draining_) drained_.notify_all();
}

void WaitQueue::unlock_and_wake() {
  const bool notify = std::exchange(notify_due_, false);
  mutex.unlock();
  if (notify) work_.notify_one();
}

void WaitQueue::begin_drain(DrainPace* pace) {
  Lock lock(*this);
  draining_ = true;
  pace_ = pace;
  notify();
}

void WaitQueue::finish_drain() {
  MutexLock lock(mutex);
  while (!due_.empty() || working_ > 0) {
    drained_.wait_until(mutex, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  }
}

void WaitQueue::stop() {
  {
    Lock lock(*this);
    stopped_ = true;
    notify();
  }
  if (notifier_.joinable()) notifier_.join();
}

}  // namespace bide
