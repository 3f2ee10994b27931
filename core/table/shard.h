// core/table/shard.h: One part of the job table: its jobs, the requests parked on them, and the
// attendant that answers those.
//
// Structure. A record per job (core/table/record.h) holds the list of its waiters; every waiter is
// also in the shard's heap by due time. Three things make a waiter ready: its job changed (the
// watcher's thread puts the record on `changed_` and notifies), its job went away (`gone_`), its
// due time came (the attendant's own time-out). In all three the attendant alone takes it out, so
// answers of one shard leave in the order of the changes that caused them.
//
// Invariants, under mutex_: a waiter is in the heap and in exactly one of {a record's list, gone_},
// or in none; a record on changed_ is alive; a record nobody needs is erased by whoever took the
// last need away.
//
// Races. Parking judges the condition and links the waiter under one lock: no change falls between.
// Hang-up against answer is decided by Waiter::try_claim(), see core/parking/waiter.h.
//
// Large jobs. Rendering one takes milliseconds, and nobody else of the shard may wait for that. So
// from kApartBytes on a job is copied under the lock (its strings are shared) and rendered without
// it: by the thread that wants to look, or for those who wait by a second thread
// (core/table/apart.cc), which rests three times as long as it worked. A record whose snapshot is
// missing is on `apart_` then, its waiters are due never, and are judged when it has been rendered.
//
// Thread safety: all public methods lock; none is called by the attendant with the lock held.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/parking/due_heap.h"
#include "core/parking/hand_out.h"
#include "core/table/job_table.h"
#include "core/table/record.h"

namespace bide {

class Shard {
 public:
  explicit Shard(JobTable& table);
  ~Shard();  // After stop().

  // See the methods of the same names in core/table/job_table.h.
  [[nodiscard]] Admitted apply(const Entry& entry, TimePoint delivered) EXCLUDES(mutex_);
  void let_go(Revision before) EXCLUDES(mutex_);
  // Returns the records that were replaced: the overview still names them. Until end_install() no
  // job leaves by age: the overview does not name these yet.
  [[nodiscard]] RecordIndex install(RecordIndex records, Epoch epoch,
                                    std::chrono::nanoseconds max_age) EXCLUDES(mutex_);
  void end_install() EXCLUDES(mutex_);
  [[nodiscard]] JobTable::Look look(std::string_view id, const Waiter::Terms& terms, TimePoint now)
      EXCLUDES(mutex_);
  [[nodiscard]] JobTable::Parked park(std::string_view id, Waiter& waiter, std::uint64_t ticket,
                                      TimePoint now, JobTable::Look& look) EXCLUDES(mutex_);
  void unpark(Waiter& waiter) EXCLUDES(mutex_);
  [[nodiscard]] std::size_t jobs() const EXCLUDES(mutex_);

  void begin_drain() EXCLUDES(mutex_);   // Parks no more; the attendant answers all with kDrain.
  void finish_drain() EXCLUDES(mutex_);  // Blocks until it has; bounded by the answers' own time.
  void stop() EXCLUDES(mutex_);          // Ends the threads.

 private:
  // The attendant's side (core/table/attendant.cc).
  void attend() EXCLUDES(mutex_);
  void take_ready(TimePoint now, Batch& batch) REQUIRES(mutex_);
  void take_all(TimePoint now, Batch& batch) REQUIRES(mutex_);
  void take_gone(Batch& batch) REQUIRES(mutex_);
  void take_changed(TimePoint now, Batch& batch) REQUIRES(mutex_);
  void take_due(TimePoint now, Batch& batch) REQUIRES(mutex_);
  // All of these take the waiter out whatever happens, or leave it as it was. Without memory for
  // its answer it joins those who get none.
  void take_if_ready(Waiter& waiter, TimePoint now, TimePoint news_at, Batch& batch)
      REQUIRES(mutex_);
  void take_as_it_is(Waiter& waiter, Outcome outcome, TimePoint now, Batch& batch) REQUIRES(mutex_);
  void take(Waiter& waiter, std::shared_ptr<const Snapshot> snapshot, Outcome outcome,
            TimePoint news_at, Batch& batch) REQUIRES(mutex_);
  void lose(Waiter& waiter, Batch& batch) REQUIRES(mutex_);
  void lose_all(Record& record, Batch& batch) REQUIRES(mutex_);
  [[nodiscard]] TimePoint next_wake(TimePoint now) const REQUIRES(mutex_);

  // Large jobs (core/table/apart.cc).
  struct Copy {
    std::unique_ptr<const Job> job;
    Moment moment;
    Epoch epoch;
    std::shared_ptr<const Snapshot> snapshot;

    void render();
    [[nodiscard]] bool try_render() noexcept;  // Unless it has a snapshot.
    [[nodiscard]] Condition::Judgement judge(const Waiter::Terms& terms) const;
  };
  static constexpr std::size_t kApartBytes = 256 << 10;
  void render_apart() EXCLUDES(mutex_);
  [[nodiscard]] bool belongs_apart(const Record& record, TimePoint now) const REQUIRES(mutex_);
  void send_apart(Record& record) REQUIRES(mutex_);
  [[nodiscard]] bool try_send_apart(Record& record) noexcept REQUIRES(mutex_);
  [[nodiscard]] Copy copy_of(const Record& record, TimePoint now) const REQUIRES(mutex_);
  // Without a job where there is no memory for one.
  [[nodiscard]] Copy try_copy_of(const Record& record, TimePoint now) const noexcept
      REQUIRES(mutex_);
  void take_rendered(const Copy& copy, TimePoint now, Batch& batch) REQUIRES(mutex_);
  void keep(const Copy& copy) REQUIRES(mutex_);

  // The table's content (core/table/shard.cc).
  [[nodiscard]] Admitted absorb(const Entry& entry, TimePoint delivered) REQUIRES(mutex_);
  // After its job was changed from `before`.
  void moved(Record& record, const std::optional<Listed>& before, Revision revision,
             TimePoint delivered) REQUIRES(mutex_);
  [[nodiscard]] JobTable::Parked try_park(std::string_view id, Waiter& waiter, std::uint64_t ticket,
                                          TimePoint now, JobTable::Look& look) REQUIRES(mutex_);
  Record* find(std::string_view id) REQUIRES(mutex_);
  Record& find_or_add(std::string_view id) REQUIRES(mutex_);
  void changed(Record& record, TimePoint delivered) REQUIRES(mutex_);
  void job_gone(Record& record, TimePoint at) REQUIRES(mutex_);
  void erase_if_unneeded(Record& record) REQUIRES(mutex_);
  [[nodiscard]] Moment moment_of(const Record& record, TimePoint now) const REQUIRES(mutex_);
  [[nodiscard]] bool has_snapshot(const Record& record, TimePoint now) const REQUIRES(mutex_);
  [[nodiscard]] const std::shared_ptr<const Snapshot>& snapshot_of(Record& record, TimePoint now)
      REQUIRES(mutex_);
  void keep_snapshot(Record& record, std::shared_ptr<const Snapshot> snapshot) REQUIRES(mutex_);
  void forget_snapshot(Record& record) REQUIRES(mutex_);
  [[nodiscard]] Condition::Judgement judge(Record& record, const Waiter::Terms& terms,
                                           TimePoint now) REQUIRES(mutex_);
  // Null: what it waited for is gone.
  [[nodiscard]] Record* record_of(const Waiter& waiter) const REQUIRES(mutex_) {
    WaiterList* const list = WaiterList::of(waiter);
    return list == &gone_ ? nullptr : static_cast<Record*>(list);
  }
  void forget(Waiter& waiter) REQUIRES(mutex_);
  void adopt(Record& old) REQUIRES(mutex_);

  // Leaving by age (core/table/ageing.cc).
  void list_by_age() REQUIRES(mutex_);
  void age_append(Record& record) REQUIRES(mutex_);
  void age_remove(Record& record) REQUIRES(mutex_);
  void drop_expired() REQUIRES(mutex_);
  // Leaving by revision.
  bool let_some_go(Revision before) REQUIRES(mutex_);
  void list_by_oldest(Record& record) REQUIRES(mutex_);
  void unlist_by_oldest(Record& record) REQUIRES(mutex_);

  JobTable& table_;
  const std::size_t jobs_max_;
  const std::size_t snapshot_bytes_max_;

  mutable Mutex mutex_;
  CondVar news_;     // Something changed, or closed: for the attendant.
  CondVar drained_;  // The attendant has nothing left: for finish_drain().
  RecordIndex records_ GUARDED_BY(mutex_);
  // Since when: of several changes before the attendant looks, the first.
  struct Changed {
    Record* record;
    TimePoint since;
  };
  std::vector<Changed> changed_ GUARDED_BY(mutex_);
  WaiterList gone_ GUARDED_BY(mutex_);         // Their record is gone; still in the heap.
  TimePoint gone_since_ GUARDED_BY(mutex_){};  // Of the first of them.
  DueHeap due_ GUARDED_BY(mutex_);
  std::vector<Record*> snapshot_ring_
      GUARDED_BY(mutex_);  // Bounds the snapshots kept: oldest goes.
  std::uint32_t snapshot_next_ GUARDED_BY(mutex_) = 0;
  std::size_t snapshot_bytes_ GUARDED_BY(mutex_) = 0;
  CondVar apart_news_;  // For the thread that renders apart.
  std::deque<Record*> apart_ GUARDED_BY(mutex_);
  TimePoint apart_from_ GUARDED_BY(mutex_){};     // Until then it rests.
  bool taking_apart_ GUARDED_BY(mutex_) = false;  // It is rendering or answering.
  Record* oldest_ GUARDED_BY(mutex_) = nullptr;   // By Job::written(), when max_age_ is set.
  Record* newest_ GUARDED_BY(mutex_) = nullptr;
  std::chrono::nanoseconds max_age_ GUARDED_BY(mutex_){0};
  // Records by a revision that is at most Job::oldest(). Kept from the first let_go() after an
  // install on: most buckets let go of nothing, and a place takes 48 bytes.
  std::set<std::pair<Revision, Record*>> by_oldest_ GUARDED_BY(mutex_);
  bool lists_oldest_ GUARDED_BY(mutex_) = false;
  Epoch epoch_ GUARDED_BY(mutex_) = 0;
  bool installing_ GUARDED_BY(mutex_) = false;
  // To be notified on unlocking: the attendant, and the overview's.
  bool news_due_ GUARDED_BY(mutex_) = false;
  bool overview_due_ GUARDED_BY(mutex_) = false;
  bool handing_out_ GUARDED_BY(mutex_) = false;
  bool draining_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;

  std::thread attendant_;
  std::thread renderer_;
};

}  // namespace bide
