// core/table/job_table.h: Every job's state, and the requests parked on it.
//
// The table is cut into shards by job id. A shard has one mutex, one condition variable and one
// notifier thread; see core/table/shard.h for how they work together. Parking and looking at the
// state happen under one lock, so no change can fall between them.
//
// Thread safety: all methods may be called from any thread, but apply(), install() and let_go()
// from one thread at a time (the watcher's), and close() once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/job/entry_codec.h"
#include "core/job/job.h"
#include "core/job/position.h"
#include "core/parking/lot.h"
#include "core/parking/parking_places.h"

namespace bide {

class CatchUp;
class Overview;
class Shard;

// Whether an entry was taken; else why not (kJobFull, kTableFull).
struct Admitted {
  std::optional<RejectReason> rejected;
  operator bool() const { return !rejected; }  // NOLINT(google-explicit-constructor): it is one.
};

// The content of a bucket, read from scratch, before anybody sees it. A first read and a resync are
// the same thing: read everything into one of these, then JobTable::install() it. Meanwhile the
// table serves what it had.
//
// Thread safety: none; one thread fills it.
class BucketRead {
 public:
  // `link`: the connection that all of it comes over. The limits are those of JobTable::Options.
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
  std::size_t jobs_max_;
  Link link_;
  std::size_t memory_max_;
  std::size_t memory_ = 0;
  Revision revision_ = 0;
  Revision reached_ = 0;
  std::unique_ptr<struct BucketContent> content_;
};

class JobTable final : public Lot {
 public:
  struct Options {
    std::size_t shards = 2;            // 1..64; notifier threads.
    std::size_t parked_max = 100'000;  // Places for parked requests, those of the overview too.
    std::size_t jobs_max = 4'000'000;
    std::size_t memory_max = 0;                    // Bytes of all jobs (Job::bytes()); 0: no limit.
    std::chrono::milliseconds settle{2000};        // See Condition::done.
    std::chrono::milliseconds retry_grace{0};      // See Moment.
    std::size_t snapshots_max = 1024;              // Rendered snapshots kept, over all shards,
    std::size_t snapshot_bytes_max = 256U << 20U;  // and their bytes, but for one of each shard.
    std::chrono::milliseconds stats_interval{250};  // See core/table/overview.h.
  };

  // `clock` and `executor` (may be null: notifiers answer alone) must outlive the table.
  JobTable(Clock& clock, const Options& options, Executor* executor);
  ~JobTable() override;

  // --- The watcher's side -------------------------------------------------------------------

  // Replaces all jobs by what was read, under a new `epoch`; whoever waits for a job that differs
  // now is woken as by an event. `max_age`: jobs leave the table when their definition is older
  // (zero: never).
  void install(BucketRead read, Epoch epoch, std::chrono::nanoseconds max_age);
  // Applies one live entry. Wakes the notifier, never waits for it. `delivered`: when it came
  // here, for Waiter::news_at.
  [[nodiscard]] Admitted apply(const Entry& entry, TimePoint delivered);
  [[nodiscard]] Admitted apply(const Entry& entry) { return apply(entry, clock_.now()); }
  // Up to `revision` the stream holds nothing that is not applied. So do install() and apply() say
  // of the entries they are given; this is for what they are not: garbage, and what is gone.
  void reach(Revision revision);
  // The bucket holds nothing below `before` any more: it has expired, or was pushed out. Only what
  // leaves is looked at, once the shards have a list for it, which the first call makes.
  void let_go(Revision before);

  // --- The requests' side -------------------------------------------------------------------

  // `key` is the job's id.
  [[nodiscard]] Look look(std::string_view key, const Waiter::Terms& terms, TimePoint now) override;
  // A job that does not exist: Condition::exists() parks, any other is kReady with a null snapshot.
  // kFull: parked_max.
  [[nodiscard]] Parked park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look) override;
  void unpark(std::string_view key, Waiter& waiter) override;

  // For a lot beside this one, whose waiters here take no places (Waiter::Terms).
  [[nodiscard]] ParkingPlaces& places() { return places_; }

  // What is made of all jobs, and the requests parked on that. Lives as long as the table.
  [[nodiscard]] Overview& overview() { return *overview_; }

  // Where those are parked who may have to be told more than has been applied.
  [[nodiscard]] CatchUp& catch_up() { return *catch_up_; }

  // Answers every parked request with its current state (kDrain), the overview's and those of
  // catch_up() too, and parks no more. Returns when the last answer has been handed to its waiter
  // or the executor.
  void drain();
  // drain(), then ends the notifiers. Destroying does the same.
  void close();

  // --- Numbers, for metrics -----------------------------------------------------------------
  [[nodiscard]] std::size_t parked() const { return places_.requests(); }
  [[nodiscard]] std::size_t jobs() const;
  [[nodiscard]] Revision applied_revision() const {
    return applied_.load(std::memory_order_acquire);
  }
  [[nodiscard]] Epoch epoch() const { return position_.epoch(); }
  [[nodiscard]] std::size_t memory_max() const { return options_.memory_max; }
  // Bytes of all jobs, as memory_max limits them.
  [[nodiscard]] std::size_t memory() const { return memory_.load(std::memory_order_relaxed); }
  // Final jobs that stopped being final, or whose status changed.
  [[nodiscard]] std::uint64_t reopened() const { return reopened_.load(std::memory_order_relaxed); }
  [[nodiscard]] const Position& position() const { return position_; }

 private:
  friend class Overview;
  friend class Shard;
  Shard& shard_of(std::string_view id);

  Clock& clock_;
  const Options options_;
  Executor* const executor_;
  ParkingPlaces places_;
  std::atomic<Revision> applied_{0};
  std::atomic<std::size_t> memory_{0};
  std::atomic<std::uint64_t> reopened_{0};
  Position position_;
  std::unique_ptr<CatchUp> catch_up_;
  std::unique_ptr<Overview> overview_;  // Outlives the shards, which tell it of every change.
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace bide
