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
// another, the attendant, answers: whose place is reached, whose deadline has come, all when
// draining. Empty groups are dropped: there are as many as reports fit in the longest wait, at
// most.
//
// The thread that applies entries pays one comparison for each. No wake-up is lost: it writes the
// position and then reads `wanted_`; the attendant writes that and then reads the position.
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

#include "core/base/crew.h"
#include "core/base/mutex.h"
#include "core/job/position.h"
#include "core/parking/due_heap.h"
#include "core/parking/hand_out.h"
#include "core/parking/lot.h"
#include "core/parking/parking_places.h"
#include "core/table/tail.h"

namespace bide {

class CatchUp final : public Lot {
 public:
  static constexpr std::chrono::milliseconds kPace{50};  // Between two reports asked for.

  // All must outlive this. `crew` may be null.
  CatchUp(Clock& clock, Crew* crew, ParkingPlaces& places, const Position& position);
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
                            TimePoint now, Look& look) override EXCLUDES(mutex_);
  void unpark(std::string_view key, Waiter& waiter) override EXCLUDES(mutex_);

  // --- The table's side ---------------------------------------------------------------------

  // The position has advanced.
  void progressed() {
    if (position_.revision() >= wanted_.load()) wake();
  }
  // The bucket was read afresh over `link`, and the position restarted.
  void installed(Link link) EXCLUDES(mutex_);

  void begin_drain() EXCLUDES(mutex_);   // Parks no more; the attendant answers all with kDrain.
  void finish_drain() EXCLUDES(mutex_);  // Blocks until it has; bounded by the answers' own time.
  // Ends the threads, as soon as a Tail::read() that is under way returns.
  void stop() EXCLUDES(mutex_);

 private:
  static constexpr Revision kNobody = UINT64_MAX;

  struct Group : WaiterList {
    // kPutOff: the report was of another stream than that of the table.
    enum class State : std::uint8_t { kNew, kAsked, kTold, kPutOff } state = State::kNew;
    Position::Place place;  // Where it is ready; once told.
  };

  void ask_on(Tail& tail) EXCLUDES(mutex_);  // The asking thread.
  void tell(Group::State state, Position::Place place) REQUIRES(mutex_);
  [[nodiscard]] bool has_new() const REQUIRES(mutex_);

  void attend() EXCLUDES(mutex_);  // The attendant.
  void take_ready(TimePoint now, Batch& batch) REQUIRES(mutex_);
  [[nodiscard]] bool is_reached(const Group& group) const REQUIRES(mutex_);
  void publish_wanted() REQUIRES(mutex_);
  void take(Waiter& waiter, Outcome outcome, Batch& batch) REQUIRES(mutex_);
  void forget(Waiter& waiter) REQUIRES(mutex_);
  void wake() EXCLUDES(mutex_);

  Clock& clock_;
  Crew* const crew_;
  ParkingPlaces& places_;
  const Position& position_;
  std::atomic<Revision> wanted_{kNobody};  // The lowest revision that makes somebody ready.

  Mutex mutex_;
  CondVar news_;     // For the attendant.
  CondVar ask_;      // For the asking thread.
  CondVar drained_;  // The attendant has nothing left: for finish_drain().
  std::list<Group> groups_ GUARDED_BY(mutex_);
  DueHeap due_ GUARDED_BY(mutex_);
  TimePoint next_ask_ GUARDED_BY(mutex_){};
  std::uint64_t installs_ GUARDED_BY(mutex_) = 0;
  Link link_ GUARDED_BY(mutex_) = 0;  // What the table shows was read over it.
  bool started_ GUARDED_BY(mutex_) = false;
  bool handing_out_ GUARDED_BY(mutex_) = false;
  bool draining_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;

  std::thread asking_;
  std::thread attendant_;
};

}  // namespace bide
