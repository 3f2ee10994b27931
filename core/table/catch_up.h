// core/table/catch_up.h: Where requests are parked until the table has applied all that the stream
// held when they came: before a 404, and where a client has seen something newer.
//
// One rule for all: a waiter is ready once the table has come to the place (core/job/position.h)
// where the stream ended, by a report that was asked for after the waiter came. What a client can
// know is in the stream by then: a tag that is later even than that is foreign (a store was rolled
// back, or it is made up), and need not be waited for.
//
// A report counts only if it is of the very stream that the table was read from: it came over the
// same connection, of the same epoch, and does not end before what was applied. Any other one may
// be of another store, whose revisions say nothing of what the table holds, even where they are
// equal. Its waiters are put off until the bucket has been read afresh, and asked for again then.
//
// Structure. Waiters are in groups, in the order they came. One thread asks for reports, at most
// one every kPace, each for all groups that were there then. It may have to wait for seconds, so
// the queue's notifier answers. Empty groups are dropped: there are at most as many as reports fit
// in the longest wait.
//
// The thread that applies entries pays one comparison for each. No wake-up is lost: it writes the
// position and then reads `wanted_`; the notifier writes that and then reads the position.
//
// Thread safety: all methods may be called from any thread, but start() and stop() from one, and
// progressed() and installed() from the one that applies entries.
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/job/position.h"
#include "core/parking/lot.h"
#include "core/parking/parking_places.h"
#include "core/parking/wait_queue.h"
#include "core/table/tail.h"

namespace bide {

class CatchUp final : public Lot, private WaitQueue::Owner {
 public:
  static constexpr std::chrono::milliseconds kPace{50};  // Between two reports asked for.

  // All must outlive this. `executor` may be null.
  CatchUp(Clock& clock, Executor* executor, ParkingPlaces& places, const Position& position);
  ~CatchUp() override;  // After stop().

  // Before this, and after drain, nothing is parked: kDraining.
  void start(Tail& tail);

  // --- The requests' side -------------------------------------------------------------------

  // Whether a tag, or one of a list, is later than what has been applied.
  template <typename Seen>
  [[nodiscard]] bool behind(const Seen& seen) const {
    const auto [epoch, revision] = position_.get();
    return seen.later_than(epoch, revision);
  }
  // For who has been caught up: tags that are still later match nothing from now on.
  void forget_foreign(ValidatorList& seen) const {
    const auto [epoch, revision] = position_.get();
    seen.forget_later(epoch, revision);
  }

  // There is nothing to see here.
  [[nodiscard]] Look look(std::string_view key, const Waiter::Terms& terms, TimePoint now) override;
  // Answers without a snapshot: kChanged once caught up, kTimeout at the deadline, kDrain. Of the
  // terms only the deadline counts; the key not at all. Never kReady.
  [[nodiscard]] Parked park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look) override EXCLUDES(queue_.mutex);
  void unpark(std::string_view key, Waiter& waiter) override EXCLUDES(queue_.mutex);

  // --- The table's side ---------------------------------------------------------------------

  // The position has advanced.
  void progressed() {
    if (position_.revision() < wanted_.load()) return;
    // Under the lock, or it could come between the notifier's look and its sleep.
    WaitQueue::Lock lock(queue_);
    queue_.notify();
  }
  // The bucket was read afresh over `link`, and the position restarted.
  void installed(Link link) EXCLUDES(queue_.mutex);

  void begin_drain() { queue_.begin_drain(); }  // See WaitQueue.
  void finish_drain() { queue_.finish_drain(); }
  // Ends the threads, as soon as a Tail::read() that is under way returns.
  void stop() EXCLUDES(queue_.mutex);

 private:
  static constexpr Revision kNobody = UINT64_MAX;

  struct Inquiry : WaiterList {
    // kPutOff: the report was of another stream than that of the table.
    enum class State : std::uint8_t { kNew, kAsked, kTold, kPutOff } state = State::kNew;
    Position::Place place;  // Where it is ready; once told.
  };

  void ask_on(Tail& tail) EXCLUDES(queue_.mutex);  // The asking thread.
  void tell(Inquiry::State state, Position::Place place) REQUIRES(queue_.mutex);
  [[nodiscard]] bool has_new() const REQUIRES(queue_.mutex);

  // What the notifier does.
  [[nodiscard]] bool collect(TimePoint now, Batch& batch) override REQUIRES(queue_.mutex);
  [[nodiscard]] TimePoint next_work(TimePoint) const override { return kEndOfTime; }
  [[nodiscard]] bool is_reached(const Inquiry& inquiry) const REQUIRES(queue_.mutex);
  void publish_wanted() REQUIRES(queue_.mutex);

  Clock& clock_;
  const Position& position_;
  std::atomic<Revision> wanted_{kNobody};  // The lowest revision that makes somebody ready.

  WaitQueue queue_;
  CondVar ask_;  // For the asking thread.
  std::list<Inquiry> inquiries_ GUARDED_BY(queue_.mutex);
  TimePoint next_ask_ GUARDED_BY(queue_.mutex){};
  std::uint64_t installs_ GUARDED_BY(queue_.mutex) = 0;
  Link link_ GUARDED_BY(queue_.mutex) = 0;  // What the table shows was read over it.
  bool started_ GUARDED_BY(queue_.mutex) = false;
  bool stopped_ GUARDED_BY(queue_.mutex) = false;

  std::thread asking_;
};

}  // namespace bide
