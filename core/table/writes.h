// core/table/writes.h: Requests that write to the bucket, parked until their write is stored and
// the table shows it.
//
// A write is shared by its request and the writer (server/nats/job_writer.h), which finishes it
// even if the client hangs up. The writer reports how it ended; if it is stored, the request waits
// on until the table has applied that revision. So the answer shows the job with the write in it.
//
// An answer may render a large job, so the executor gives all of them, and none delays another.
//
// Structure. A write that has ended is in `ended_`, ordered by the place that the table must reach.
// The thread that applies entries pays one comparison for each. No wake-up is lost, as in CatchUp:
// that thread writes the position and then reads `wanted_`; finish() writes `wanted_` and then
// reads the position. The notifier takes writes out of `ended_`, so it only raises `wanted_`.
//
// Thread safety: all methods may be called from any thread, except progressed() and installed()
// from the thread that applies entries.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/executor.h"
#include "core/job/new_entry.h"
#include "core/job/position.h"
#include "core/parking/look.h"
#include "core/parking/parking_places.h"
#include "core/parking/wait_queue.h"
#include "core/table/target.h"

namespace bide {

// How long a request waits for JetStream's acknowledgement.
inline constexpr std::chrono::milliseconds kWritePatience{5000};

struct Write : WaiterList {
  enum class Kind : std::uint8_t {
    kEvent,   // Stores `entry`; before it, `definition` if the job has none.
    kDefine,  // Stores `definition` unless the job has one.
    kDelete,  // Deletes the definition, then the entries `keys`. Nothing, if there is neither.
  };
  enum class End : std::uint8_t {
    kPending,  // Its request has not been told yet.
    kStored,   // By this write, or earlier by a repetition with the same `message_id`.
    kSame,     // kDefine: the job has this definition.
    kOther,    // kDefine: the job has another one.
    kAbsent,   // kDelete: there is nothing to delete.
    kRefused,  // The bucket does not take it. Nothing is stored.
    kAway,     // NATS cannot be reached. Nothing is stored.
    kUnknown,  // It may be stored, whole or in part: no acknowledgement came in time, or the bucket
               // refuses another part.
  };
  static constexpr std::size_t kEnds = 8;

  Kind kind{};
  std::string job_id;
  NewEntry definition;
  NewEntry entry;
  std::vector<std::string> keys;  // kDelete: of events, responses and progress.
  // Names the write to JetStream, which stores a repetition within two minutes only once. Never
  // empty.
  std::string message_id;
  bool repeatable = false;  // The client chose the name, and may have sent the write before.
  bool exists = false;      // The table has the job.
  bool chosen_id = false;   // By bide: a repetition gets the id of the first.
  std::uint64_t client = 0;

  // What it keeps in memory while it is under way.
  [[nodiscard]] std::size_t bytes() const {
    std::size_t bytes = definition.value.size() + entry.value.size();
    for (const std::string& key : keys) bytes += sizeof(std::string) + key.size();
    return bytes;
  }

  // Set by Writes::finish() while the request is parked; afterwards the request may read it.
  End end = End::kPending;
  std::string why;  // kRefused, and kUnknown if a part was refused: the reason, for people.
};

// `stored`, `same`, ...: for metrics.
[[nodiscard]] std::string_view word_of(Write::End end);

// Writes to the bucket without blocking the caller.
class Writer {
 public:
  enum class Room : std::uint8_t { kTaken, kClientFull, kFull };

  virtual ~Writer() = default;
  // Takes room for a write of its client. kTaken: submit() or give_back() must follow, and what is
  // written must not change any more.
  [[nodiscard]] virtual Room take_room(const Write& write) = 0;
  virtual void give_back(const Write& write) = 0;
  // Begins to write, and calls Writes::finish() in the end, after about kWritePatience at the
  // latest. The room is free after that. Does not block. It must not throw, because the request is
  // parked and belongs to others. If there is no memory, finish() may not be called.
  virtual void submit(const WritePtr& write) noexcept = 0;
};

class Writes final : private WaitQueue::Owner {
 public:
  // All must outlive this. `executor` may be null.
  Writes(Clock& clock, Executor* executor, ParkingPlaces& places, const Position& position);
  ~Writes() = default;  // After stop().

  // Parks the request of a write that has not been submitted yet. Never returns kReady. Answers
  // without a snapshot: kDone when write.end is set and the table shows the write, kTimeout at the
  // deadline.
  [[nodiscard]] Parked park(Write& write, Waiter& waiter, std::uint64_t ticket)
      EXCLUDES(queue_.mutex);
  void unpark(Waiter& waiter) EXCLUDES(queue_.mutex);

  // The writer's side: the write has ended. Does nothing if its request is not parked any more.
  struct Result {
    Write::End end{};
    Revision revision = 0;  // What the table must have applied to show it; 0: nothing.
    std::string why{};
    std::string job_id{};  // Not empty: an earlier repetition has stored it under this id.
  };
  void finish(const WritePtr& write, Result result) EXCLUDES(queue_.mutex);

  // The table's side: the position has advanced.
  void progressed() {
    if (position_.revision() < wanted_.load()) return;
    installed();
  }
  // The bucket was read again, and the position was restarted.
  void installed() {
    // Under the lock, or it could come between the notifier's look and its sleep.
    WaitQueue::Lock lock(queue_);
    queue_.notify();
  }

  // New writes are refused; those under way are finished first. They take kWritePatience at most.
  void begin_drain() { queue_.begin_drain(); }
  void finish_drain() { queue_.finish_drain(); }
  void stop() { queue_.stop(); }

 private:
  static constexpr Revision kNobody = UINT64_MAX;
  struct Earlier {
    bool operator()(const Position::Place& a, const Position::Place& b) const { return !(a >= b); }
  };

  [[nodiscard]] bool collect(TimePoint now, Batch& batch) override REQUIRES(queue_.mutex);
  [[nodiscard]] TimePoint next_work(TimePoint) const override { return kEndOfTime; }
  void publish_wanted() REQUIRES(queue_.mutex);

  const Position& position_;
  std::atomic<Revision> wanted_{kNobody};  // The lowest revision that makes a waiter ready.
  WaitQueue queue_;
  std::multimap<Position::Place, WritePtr, Earlier> ended_ GUARDED_BY(queue_.mutex);
};

}  // namespace bide
