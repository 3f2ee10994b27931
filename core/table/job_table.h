// core/table/job_table.h: Every job's state, and the requests parked on it.
//
// Job ids divide the table into shards. A shard has one mutex, one condition variable and one
// notifier thread (core/table/shard.h). A request looks at the state and parks under one lock, so
// no change can fall between the two.
//
// Thread safety: all methods may be called from any thread, except apply(), install() and let_go()
// from one thread at a time (the watcher's), and close() once.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/job/entry_codec.h"
#include "core/job/job.h"
#include "core/job/position.h"
#include "core/parking/drain_pace.h"
#include "core/parking/look.h"
#include "core/parking/parking_places.h"
#include "core/parking/waiter.h"
#include "core/table/target.h"

namespace bide {

class CatchUp;
class JobSets;
class Overview;
class Shard;
class Writes;

// How often progress of one job is told to those that wait for a change of it, at most. A request
// that is answered at once shows the newest, and what is no progress is told at once.
inline constexpr std::chrono::milliseconds kProgressInterval{250};

// Whether an entry was absorbed, or why not (kJobFull, kTableFull).
struct Admitted {
  std::optional<RejectReason> rejected;
  bool overwrote = false;                      // The key had a value, which is gone.
  operator bool() const { return !rejected; }  // NOLINT(google-explicit-constructor): it is one.
};

// The content of a bucket during a full read. The first read and later ones work in the same way:
// absorb everything, then JobTable::install(). Meanwhile the table serves the old state.
//
// Thread safety: none; one thread fills it.
class BucketRead {
 public:
  // `link`: the connection over which all entries come. The limits are those of JobTable::Options.
  explicit BucketRead(std::size_t jobs_max, Link link = 0, std::size_t memory_max = 0);
  BucketRead(BucketRead&&) noexcept;
  ~BucketRead();
  [[nodiscard]] Admitted absorb(const Entry& entry);
  // As JobTable::let_go().
  void let_go(Revision before);
  // The highest revision absorbed, deletions included.
  [[nodiscard]] Revision revision() const { return revision_; }
  // See JobTable::reach().
  void reach(Revision revision) { reached_ = std::max(reached_, revision); }

 private:
  friend class JobTable;
  friend class TableLoader;
  void count_labels(const Job& job);

  std::size_t jobs_max_;
  Link link_;
  std::size_t memory_max_;
  std::size_t memory_ = 0;  // Of the jobs.
  std::size_t label_bytes_ = 0;
  Revision revision_ = 0;
  Revision reached_ = 0;
  bool whole_ = true;  // Nothing was rejected.
  std::unique_ptr<struct BucketContent> content_;
};

// Copies of jobs, to be read by any one thread (Job::frozen()).
using JobCopies = std::vector<std::unique_ptr<const Job>>;
enum class CutStep : std::uint8_t {
  kDone,
  kMore,
  kBroken,  // The bucket was read again, or more has changed than is kept.
};

class JobTable {
 public:
  struct Options {
    std::size_t shards = 2;            // 1..64; notifier threads.
    std::size_t parked_max = 100'000;  // Parked requests, including those on the overview.
    std::size_t jobs_max = 4'000'000;
    std::size_t memory_max = 0;                    // Bytes of all jobs, see memory(); 0: no limit.
    std::chrono::milliseconds settle{2000};        // See Condition::done.
    std::chrono::milliseconds retry_grace{0};      // See Moment.
    std::size_t snapshots_max = 1024;              // Rendered snapshots that all shards keep,
    std::size_t snapshot_bytes_max = 256U << 20U;  // and their bytes; each shard may keep one more.
    std::chrono::milliseconds stats_interval{250};  // See core/table/overview.h.
  };

  // `clock` and `executor` must outlive the table. Without an executor notifiers answer alone.
  JobTable(Clock& clock, const Options& options, Executor* executor);
  ~JobTable();
  JobTable(const JobTable&) = delete;
  JobTable& operator=(const JobTable&) = delete;

  // --- The watcher's side -------------------------------------------------------------------

  // Replaces all jobs by those of the read, under a new `epoch`. Wakes waiters whose job differs
  // now, as an event would. `max_age`: a job leaves the table when its definition is older (zero:
  // never).
  void install(BucketRead read, Epoch epoch, std::chrono::nanoseconds max_age);
  // Applies one live entry. Wakes the notifier and does not wait for it. `delivered`: when the
  // entry arrived, for Waiter::news_at.
  [[nodiscard]] Admitted apply(const Entry& entry, TimePoint delivered);
  [[nodiscard]] Admitted apply(const Entry& entry) { return apply(entry, clock_.now()); }
  // Up to `revision` the stream holds nothing more to apply. install() and apply() do not cover
  // revisions that were garbage or are gone; this does.
  void reach(Revision revision);
  // It has an entry under this entry's key.
  [[nodiscard]] bool holds(const Entry& entry);
  // All that the stream holds was applied over `link`, though it was not read again.
  void resumed(Link link);
  // Removes all entries below revision `before`: they have expired, or a full bucket dropped them.
  // The first call makes a list in each shard; later calls cost time only for what they remove.
  void let_go(Revision before);

  // --- A cut: all jobs as they were at one moment --------------------------------------------

  // That moment is now. From the thread of apply(). The cut before must have ended.
  void begin_cut();
  // Appends copies of some of its jobs, each job once, until it is done. Each call holds each
  // shard's mutex for about 0.1 ms, however large the table is. From any one thread.
  [[nodiscard]] CutStep take_of_cut(JobCopies& copies);
  void end_cut();

  // --- The requests' side -------------------------------------------------------------------

  // The target as it is now, and the verdict of the terms' condition on it; `now` decides only
  // settling. Blocks for mutexes only.
  [[nodiscard]] Look look(const Target& target, const Waiter::Terms& terms, TimePoint now);
  // What it holds of the job. Renders nothing.
  [[nodiscard]] Presence presence(std::string_view id);
  // See Job::entry_keys(). Empty: it has no such job.
  [[nodiscard]] std::vector<std::string> entry_keys(std::string_view id);
  // Judges waiter.terms on the target and, if they are still pending, parks the waiter, under one
  // lock. Terms must be set before the caller makes the waiter claimable by others. `target` must
  // not be the waiter's own, which may be gone before this returns.
  //
  // A job that does not exist: parks if the terms say so (Terms::waits_for_job), otherwise kReady
  // with a null snapshot. kFull: parked_max requests are parked. See JobSets and Overview for the
  // other targets.
  [[nodiscard]] Parked park(const Target& target, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look);
  // Takes a waiter out whose client hung up, after the caller has won its claim. When this returns
  // the table has forgotten the waiter, whether it was still parked or not. `target` as in park().
  void unpark(const Target& target, Waiter& waiter);

  // For JobSets, whose waiters in this table take no places of their own (Waiter::Terms).
  [[nodiscard]] ParkingPlaces& places() { return places_; }

  // Sets of jobs, and the requests parked on them. Lives as long as the table.
  [[nodiscard]] JobSets& sets() { return *sets_; }
  // Statistics, list and feed, and the requests parked on them. Lives as long as the table.
  [[nodiscard]] Overview& overview() { return *overview_; }

  // Parks requests until the table has caught up. Lives as long as the table.
  [[nodiscard]] CatchUp& catch_up() { return *catch_up_; }

  // Requests parked on their own writes. Lives as long as the table.
  [[nodiscard]] Writes& writes() { return *writes_; }

  // Parks no more, but on catch_up() and writes(), and begins to answer parked requests as drain()
  // does, so many a second. Once, and before drain(), which answers at once those that are left.
  void begin_drain(double per_second);
  // Answers every parked request with its current state (kDrain), including those of overview() and
  // catch_up(), and parks no more. Writes that are under way are finished first. Blocks until the
  // last answer was given to its waiter or to the executor.
  void drain();
  // drain(), then ends the notifiers. The destructor does the same.
  void close();

  // --- Numbers, for metrics -----------------------------------------------------------------
  [[nodiscard]] std::size_t parked() const { return places_.requests(); }
  [[nodiscard]] std::size_t jobs() const;
  [[nodiscard]] std::size_t records() const;  // Jobs, and ids that requests wait for.
  [[nodiscard]] Revision applied_revision() const {
    return applied_.load(std::memory_order_acquire);
  }
  [[nodiscard]] Epoch epoch() const { return position_.epoch(); }
  [[nodiscard]] std::size_t shards() const { return options_.shards; }
  [[nodiscard]] std::size_t jobs_max() const { return options_.jobs_max; }
  [[nodiscard]] std::size_t memory_max() const { return options_.memory_max; }
  // Bytes of all jobs and their labels, as memory_max limits them.
  [[nodiscard]] std::size_t memory() const { return memory_.load(std::memory_order_relaxed); }
  // Final jobs that stopped being final, or whose status changed.
  [[nodiscard]] std::uint64_t reopened() const { return reopened_.load(std::memory_order_relaxed); }
  [[nodiscard]] const Position& position() const { return position_; }
  // There was room for everything since the bucket was read. If not, a full read might find more.
  [[nodiscard]] bool whole() const { return whole_.load(std::memory_order_relaxed); }

 private:
  friend class Overview;
  friend class Shard;
  Shard& shard_of(std::string_view id);
  void progressed();  // To be called when the position has advanced.

  Clock& clock_;
  const Options options_;
  Executor* const executor_;
  ParkingPlaces places_;
  std::optional<DrainPace> pace_;  // Outlives the queues.
  std::atomic<Revision> applied_{0};
  std::atomic<std::size_t> memory_{0};
  std::atomic<std::uint64_t> reopened_{0};
  std::atomic<bool> whole_{true};
  Position position_;
  std::unique_ptr<CatchUp> catch_up_;
  std::unique_ptr<Writes> writes_;
  std::unique_ptr<Overview> overview_;  // Outlives the shards, which tell it of every change.
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<JobSets> sets_;
};

}  // namespace bide
