#include "core/table/writes.h"

#include <array>
#include <utility>

namespace bide {

std::string_view word_of(Write::End end) {
  constexpr std::array<std::string_view, Write::kEnds> kWords = {
      "pending", "stored", "same", "other", "absent", "refused", "away", "unknown"};
  return kWords[static_cast<std::size_t>(end)];
}

Writes::Writes(Clock& clock, Executor* executor, ParkingPlaces& places, const Position& position)
    : position_(position), queue_(clock, executor, places, *this, WaitQueue::Answers::kHandedOut) {
  queue_.start();
}

Parked Writes::park(Write& write, Waiter& waiter, std::uint64_t ticket) {
  WaitQueue::Lock lock(queue_);
  if (!waiter.present(ticket)) return Parked::kGone;
  if (queue_.draining()) return Parked::kDraining;
  const bool parked = queue_.try_park(waiter, write, waiter.terms.deadline);
  return parked ? Parked::kParked : Parked::kFull;
}

void Writes::unpark(Waiter& waiter) {
  MutexLock lock(queue_.mutex);
  queue_.unpark(waiter);
}

void Writes::finish(const WritePtr& write, Result result) {
  WaitQueue::Lock lock(queue_);
  if (write->waiters == nullptr) return;
  write->end = result.end;
  write->why = std::move(result.why);
  if (!result.job_id.empty()) write->job_id = std::move(result.job_id);
  // A write that stored nothing is shown by every position.
  const Position::Place nothing;
  const Position::Place place =
      result.revision == 0 ? nothing : Position::Place{position_.epoch(), result.revision};
  ended_.emplace(place, write);
  publish_wanted();  // Before the position is read.
  if (position_.get() >= place) queue_.notify();
}

bool Writes::collect(TimePoint now, Batch& batch) {
  const Position::Place reached = position_.get();
  while (!ended_.empty() && reached >= ended_.begin()->first) {
    const WritePtr write = std::move(ended_.begin()->second);
    ended_.erase(ended_.begin());
    while (write->waiters != nullptr) {
      queue_.take(*write->waiters, Outcome::kDone, nullptr, {}, batch);
    }
  }
  publish_wanted();
  // While draining, too, a write has its time: its client could not know whether it is stored.
  while (queue_.next_due() <= now) {
    queue_.take(*queue_.due_by(now), Outcome::kTimeout, nullptr, {}, batch);
  }
  return false;
}

void Writes::publish_wanted() {
  // A place of an earlier epoch is reached already, and one of a later cannot be here.
  wanted_.store(ended_.empty() ? kNobody : ended_.begin()->first.revision);
}

}  // namespace bide
