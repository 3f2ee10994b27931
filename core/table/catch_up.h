// core/table/catch_up.h: Parks requests until the table has applied everything that the stream held
// when they came: before a 404, and if the client has seen a newer state.
//
// One rule for all: a thread asks NATS where the stream ends, after the waiter came. The waiter is
// ready when the table has reached that place (core/job/position.h). Whatever a client can know was
// in the stream by then. So a tag that is still later is foreign: the store was rolled back, or
// somebody made the tag up. No request needs to wait for it.
//
// A report counts only if it is about the stream that the table was read from: it came over the
// same connection, has the same epoch, and does not end before the entries that were applied. Any
// other report may be about another store, whose revisions say nothing about the table even if they
// are equal. Its waiters are put off until the bucket has been read again, and then asked for
// again.
//
// In a cluster the report may also come from a server that is a moment behind the one that
// delivers. Then an end before the applied entries says only that the table is ahead, and a tag
// that is later than the end counts as foreign only after a second of such reports.
//
// Structure. Waiters belong to inquiries, in the order in which they came; all waiters of an
// inquiry need the same report. One thread asks for reports, at most one every kPace, each for all
// inquiries that are new then. It may wait for seconds, so the queue's notifier answers. Empty
// inquiries are dropped, so there are at most as many as reports fit into the longest wait.
//
// The thread that applies entries pays one comparison for each. No wake-up is lost: that thread
// writes the position and then reads `wanted_`; the notifier writes `wanted_` and then reads the
// position.
//
// Thread safety: all methods may be called from any thread, except start() and stop() from one, and
// progressed() and installed() from the thread that applies entries.
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
#include "core/parking/look.h"
#include "core/parking/parking_places.h"
#include "core/parking/wait_queue.h"

namespace bide {

// Asks the bucket's stream where it ends. One thread calls read() and doubt(), not the one that
// applies entries.
class Tail {
 public:
  struct Report {
    Position::Place end;  // Where the stream ends.
    Link link = 0;        // The connection that the report came over.
    // The server that reported may be behind others that keep the stream, too. So may a client
    // be ahead of it that heard of an entry from one of those.
    bool may_lag = false;
  };

  virtual ~Tail() = default;
  // Where the stream ends, at some moment after the call began. Blocks until the answer comes, for
  // a few seconds at most. nullopt: no answer.
  [[nodiscard]] virtual std::optional<Report> read() = 0;
  // A report contradicts the applied entries: the connection or the stream was made again, or the
  // sequence went backwards. Asks the watcher to compare soon. Does not block.
  virtual void doubt() noexcept = 0;
};

class CatchUp final : private WaitQueue::Owner {
 public:
  static constexpr std::chrono::milliseconds kPace{50};  // At least this long between two reports.
  // So long a tag that is later than a report which may lag is not taken for foreign.
  static constexpr std::chrono::milliseconds kLagMax{1000};

  // All must outlive this. `executor` may be null.
  CatchUp(Clock& clock, Executor* executor, ParkingPlaces& places, const Position& position);
  ~CatchUp();  // After stop().

  // Before this call and after a drain, park() returns kDraining.
  void start(Tail& tail);

  // --- The requests' side -------------------------------------------------------------------

  // Whether a tag, or one of a list, is later than the applied entries.
  template <typename Seen>
  [[nodiscard]] bool behind(const Seen& seen) const {
    const auto [epoch, revision] = position_.get();
    return seen.later_than(epoch, revision);
  }
  // For a request that was caught up: tags that are still later match nothing from now on.
  void forget_foreign(ValidatorList& seen) const {
    const auto [epoch, revision] = position_.get();
    seen.forget_later(epoch, revision);
  }

  // Answers without a snapshot: kChanged when caught up, kTimeout at the deadline, kDrain. Ignores
  // all terms except the deadline. Never returns kReady.
  [[nodiscard]] Parked park(Waiter& waiter, std::uint64_t ticket) EXCLUDES(queue_.mutex);
  void unpark(Waiter& waiter) EXCLUDES(queue_.mutex);

  // --- The table's side ---------------------------------------------------------------------

  // The position has advanced.
  void progressed() {
    if (position_.revision() < wanted_.load()) return;
    // Under the lock, or it could come between the notifier's look and its sleep.
    WaitQueue::Lock lock(queue_);
    queue_.notify();
  }
  // The bucket was read again over `link`, and the position was restarted; or it is known to be the
  // same stream over that connection, too.
  void installed(Link link) EXCLUDES(queue_.mutex);

  void begin_drain() { queue_.begin_drain(); }  // See WaitQueue.
  void finish_drain() { queue_.finish_drain(); }
  // Ends the threads. Blocks until a Tail::read() that is under way returns.
  void stop() EXCLUDES(queue_.mutex);

 private:
  static constexpr Revision kNobody = UINT64_MAX;

  struct Inquiry : WaiterList {
    // kPutOff: the report was about another stream than the table's.
    enum class State : std::uint8_t { kNew, kAsked, kTold, kPutOff } state = State::kNew;
    TimePoint since{};      // When it began.
    Position::Place place;  // kTold: the place that the table must reach.
  };

  void ask_on(Tail& tail) EXCLUDES(queue_.mutex);  // The asking thread.
  void tell(Inquiry::State state, Position::Place place) REQUIRES(queue_.mutex);
  void ask_again_for_later_than(Position::Place place, TimePoint now) REQUIRES(queue_.mutex);
  [[nodiscard]] bool has_new() const REQUIRES(queue_.mutex);

  // What the notifier does.
  [[nodiscard]] bool collect(TimePoint now, Batch& batch) override REQUIRES(queue_.mutex);
  [[nodiscard]] TimePoint next_work(TimePoint) const override { return kEndOfTime; }
  [[nodiscard]] bool is_reached(const Inquiry& inquiry) const REQUIRES(queue_.mutex);
  void publish_wanted() REQUIRES(queue_.mutex);

  Clock& clock_;
  const Position& position_;
  std::atomic<Revision> wanted_{kNobody};  // The lowest revision that makes a waiter ready.

  WaitQueue queue_;
  CondVar ask_;  // For the asking thread.
  std::list<Inquiry> inquiries_ GUARDED_BY(queue_.mutex);
  TimePoint next_ask_ GUARDED_BY(queue_.mutex){};
  std::uint64_t installs_ GUARDED_BY(queue_.mutex) = 0;
  Link link_ GUARDED_BY(queue_.mutex) = 0;  // The connection over which the bucket was read.
  bool started_ GUARDED_BY(queue_.mutex) = false;
  bool stopped_ GUARDED_BY(queue_.mutex) = false;

  std::thread asking_;
};

}  // namespace bide
