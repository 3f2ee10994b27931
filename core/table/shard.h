// core/table/shard.h: One part of the job table: its jobs, and the requests parked on them.
//
// Structure. The record of a job (core/table/job_record.h) has the list of its waiters, which are
// parked in the shard's queue (core/parking/wait_queue.h). A waiter becomes ready when its job
// changes (the watcher's thread puts the record on `changed_`), when its job goes away (`gone_`),
// or when its due time comes. In all cases the notifier takes the waiter out, so the answers of a
// shard leave in the order of the changes that caused them.
//
// Invariants, under the queue's mutex: a parked waiter is in a record's list or in `gone_`; a
// record on `changed_` is alive; the thread that removes the last need of a record erases it.
//
// Progress. Workers may report it as often as they like. When it was told, the record is on
// `paced_` for kProgressInterval; if more comes meanwhile, JobRecord::told is set, the record is
// not put on `changed_`, and streams that come to be parked do not see it either. When the time is
// over the notifier tells the newest. Any other change of the job tells it at once.
//
// Large jobs. Rendering one takes milliseconds, and nothing else in the shard may wait for that. A
// job of kApartBytes or more is copied under the lock (the copy shares its strings) and rendered
// without it. The thread that wants to look renders it; for parked requests a second thread does
// (core/table/shard_apart.cc), which then rests three times as long as it worked. While such a
// record has no snapshot it is on `apart_`. Its waiters have no due time then, and are judged when
// it has been rendered.
//
// Thread safety: public methods lock. The queue calls collect() and next_work().
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/parking/wait_queue.h"
#include "core/table/job_record.h"
#include "core/table/job_table.h"

namespace bide {

class Shard final : private WaitQueue::Owner {
 public:
  explicit Shard(JobTable& table);
  ~Shard();  // After stop().

  // As the methods of the same names in core/table/job_table.h.
  [[nodiscard]] Admitted apply(const Entry& entry, TimePoint delivered) EXCLUDES(queue_.mutex);
  void let_go(Revision before) EXCLUDES(queue_.mutex);
  // Returns the old records, to which the overview still refers. Until end_install() no job leaves
  // by age, because the overview does not know the new records yet.
  [[nodiscard]] JobRecords install(JobRecords records, Epoch epoch,
                                   std::chrono::nanoseconds max_age) EXCLUDES(queue_.mutex);
  void end_install() EXCLUDES(queue_.mutex);
  [[nodiscard]] Look look(std::string_view id, const Waiter::Terms& terms, TimePoint now)
      EXCLUDES(queue_.mutex);
  [[nodiscard]] Presence presence(std::string_view id) EXCLUDES(queue_.mutex);
  [[nodiscard]] std::vector<std::string> entry_keys(std::string_view id) EXCLUDES(queue_.mutex);
  [[nodiscard]] Parked park(std::string_view id, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look) EXCLUDES(queue_.mutex);
  void unpark(Waiter& waiter) EXCLUDES(queue_.mutex);
  [[nodiscard]] bool holds(const Entry& entry) EXCLUDES(queue_.mutex);
  void begin_cut() EXCLUDES(queue_.mutex);
  [[nodiscard]] CutStep take_of_cut(JobCopies& copies) EXCLUDES(queue_.mutex);
  void end_cut() EXCLUDES(queue_.mutex);
  [[nodiscard]] std::size_t jobs() const EXCLUDES(queue_.mutex);
  [[nodiscard]] std::size_t records() const EXCLUDES(queue_.mutex);

  void begin_drain(DrainPace* pace) { queue_.begin_drain(pace); }  // See WaitQueue.
  void finish_drain() { queue_.finish_drain(); }
  void stop() EXCLUDES(queue_.mutex);  // Ends the threads.

 private:
  // What the notifier does (core/table/shard_waiting.cc).
  [[nodiscard]] bool collect(TimePoint now, Batch& batch) override REQUIRES(queue_.mutex);
  [[nodiscard]] TimePoint next_work(TimePoint now) const override REQUIRES(queue_.mutex);
  void tell_progress(TimePoint now, Batch& batch) REQUIRES(queue_.mutex);
  void collect_gone(Batch& batch) REQUIRES(queue_.mutex);
  void collect_changed(TimePoint now, Batch& batch) REQUIRES(queue_.mutex);
  void collect_due(TimePoint now, Batch& batch) REQUIRES(queue_.mutex);
  // Both take the waiter out or leave it unchanged. If there is no memory for its answer, it is
  // lost.
  void take_if_ready(Waiter& waiter, TimePoint now, TimePoint news_at, Batch& batch)
      REQUIRES(queue_.mutex);
  void take_as_it_is(Waiter& waiter, Outcome outcome, TimePoint now, Batch& batch)
      REQUIRES(queue_.mutex);
  void lose_all(JobRecord& record, Batch& batch) REQUIRES(queue_.mutex);

  // Large jobs (core/table/shard_apart.cc).
  struct Copy {
    std::unique_ptr<const Job> job;
    Moment moment;
    Epoch epoch;
    std::shared_ptr<const Snapshot> snapshot;
    bool followed = false;
    std::shared_ptr<const Snapshot> before{};  // For make_followed_snapshot().

    void render();
    [[nodiscard]] bool try_render() noexcept;  // Does nothing if it has a snapshot.
    [[nodiscard]] Condition::Judgement judge(const Waiter::Terms& terms) const;
    [[nodiscard]] bool is_still(const Job& now) const;  // Not changed since.
  };
  static constexpr std::size_t kApartBytes = 256 << 10;
  void render_apart() EXCLUDES(queue_.mutex);
  [[nodiscard]] bool belongs_apart(const JobRecord& record, TimePoint now) const
      REQUIRES(queue_.mutex);
  void send_apart(JobRecord& record) REQUIRES(queue_.mutex);
  [[nodiscard]] bool try_send_apart(JobRecord& record) noexcept REQUIRES(queue_.mutex);
  [[nodiscard]] Copy copy_of(const JobRecord& record, TimePoint now) const REQUIRES(queue_.mutex);
  // If there is no memory, the result has no job.
  [[nodiscard]] Copy try_copy_of(const JobRecord& record, TimePoint now) const noexcept
      REQUIRES(queue_.mutex);
  void take_rendered(const Copy& copy, TimePoint now, Batch& batch) REQUIRES(queue_.mutex);
  void keep(const Copy& copy) REQUIRES(queue_.mutex);

  // The table's content (core/table/shard.cc).
  [[nodiscard]] Admitted absorb(const Entry& entry, TimePoint delivered) REQUIRES(queue_.mutex);
  // The job had `bytes_before` Job::bytes().
  void account(const Job& job, std::size_t bytes_before) REQUIRES(queue_.mutex);
  // The record's job has changed; it was `before`.
  void moved(JobRecord& record, const std::optional<Listed>& before, Revision revision,
             TimePoint delivered) REQUIRES(queue_.mutex);
  // The same, and only by progress.
  void progressed(JobRecord& record, const std::optional<Listed>& before, Revision revision,
                  TimePoint delivered) REQUIRES(queue_.mutex);
  [[nodiscard]] Parked try_park(std::string_view id, Waiter& waiter, std::uint64_t ticket,
                                TimePoint now, Look& look) REQUIRES(queue_.mutex);
  JobRecord* find(std::string_view id) REQUIRES(queue_.mutex);
  JobRecord& find_or_add(std::string_view id) REQUIRES(queue_.mutex);
  void changed(JobRecord& record, TimePoint delivered) REQUIRES(queue_.mutex);
  void job_gone(JobRecord& record, TimePoint at) REQUIRES(queue_.mutex);
  void erase_if_unneeded(JobRecord& record) REQUIRES(queue_.mutex);
  [[nodiscard]] Moment moment_of(const JobRecord& record, TimePoint now) const
      REQUIRES(queue_.mutex);
  [[nodiscard]] bool has_snapshot(const JobRecord& record, TimePoint now) const
      REQUIRES(queue_.mutex);
  [[nodiscard]] const std::shared_ptr<const Snapshot>& snapshot_of(JobRecord& record, TimePoint now)
      REQUIRES(queue_.mutex);
  void keep_snapshot(JobRecord& record, std::shared_ptr<const Snapshot> snapshot)
      REQUIRES(queue_.mutex);
  void forget_snapshot(JobRecord& record) REQUIRES(queue_.mutex);
  // The job has changed: keeps the snapshot only if patches lead on from it.
  void outdate_snapshot(JobRecord& record) REQUIRES(queue_.mutex);
  // Somebody follows the job with patches.
  void follow(JobRecord& record) REQUIRES(queue_.mutex);
  [[nodiscard]] Condition::Judgement judge(JobRecord& record, const Waiter::Terms& terms,
                                           TimePoint now) REQUIRES(queue_.mutex);
  // Null: the job is gone.
  [[nodiscard]] JobRecord* record_of(const Waiter& waiter) const REQUIRES(queue_.mutex) {
    WaiterList* const list = WaiterList::of(waiter);
    return list == &gone_ ? nullptr : static_cast<JobRecord*>(list);
  }
  void adopt(JobRecord& old) REQUIRES(queue_.mutex);

  // Leaving by age (core/table/shard_ageing.cc).
  void list_by_age() REQUIRES(queue_.mutex);
  void age_append(JobRecord& record) REQUIRES(queue_.mutex);
  void age_remove(JobRecord& record) REQUIRES(queue_.mutex);
  void drop_expired() REQUIRES(queue_.mutex);
  // Leaving by revision.
  bool let_some_go(Revision before) REQUIRES(queue_.mutex);
  // Removes the job's entries before this revision, and then the record if nobody needs it.
  void let_go(JobRecord& record, Revision before) REQUIRES(queue_.mutex);
  void list_by_oldest(JobRecord& record) REQUIRES(queue_.mutex);
  void unlist_by_oldest(JobRecord& record) REQUIRES(queue_.mutex);

  // The cut (core/table/shard_cut.cc). To be called before a job changes.
  void keep_for_cut(JobRecord& record) REQUIRES(queue_.mutex);
  [[nodiscard]] bool try_copy_for_cut(JobRecord& record, JobCopies& copies) noexcept
      REQUIRES(queue_.mutex);
  void break_cut() REQUIRES(queue_.mutex);

  JobTable& table_;
  const std::size_t jobs_max_;
  const std::size_t snapshot_bytes_max_;

  mutable WaitQueue queue_;
  JobRecords records_ GUARDED_BY(queue_.mutex);
  std::size_t jobs_ GUARDED_BY(queue_.mutex) = 0;  // Records whose job is not empty.
  // `since`: the first change that the notifier has not seen.
  struct Changed {
    JobRecord* record;
    TimePoint since;
  };
  std::vector<Changed> changed_ GUARDED_BY(queue_.mutex);
  struct Paced {
    JobRecord* record;
    TimePoint until;
  };
  std::list<Paced> paced_ GUARDED_BY(queue_.mutex);  // By time.
  WaiterList gone_ GUARDED_BY(queue_.mutex);         // Still parked, but their record is gone.
  TimePoint gone_since_ GUARDED_BY(queue_.mutex){};  // When the first of their jobs went.
  std::vector<JobRecord*> snapshot_ring_
      GUARDED_BY(queue_.mutex);  // Records with a snapshot: the oldest snapshot is dropped.
  std::uint32_t snapshot_next_ GUARDED_BY(queue_.mutex) = 0;
  std::size_t snapshot_bytes_ GUARDED_BY(queue_.mutex) = 0;
  CondVar apart_work_;  // For the thread that renders apart.
  std::deque<JobRecord*> apart_ GUARDED_BY(queue_.mutex);
  TimePoint apart_from_ GUARDED_BY(queue_.mutex){};  // The thread rests until then.
  JobRecord* oldest_ GUARDED_BY(queue_.mutex) =
      nullptr;  // By Job::written(), when max_age_ is set.
  JobRecord* newest_ GUARDED_BY(queue_.mutex) = nullptr;
  std::chrono::nanoseconds max_age_ GUARDED_BY(queue_.mutex){0};
  // Records by a revision that is at most Job::oldest(). Filled from the first let_go() after an
  // install on, because most buckets never drop entries, and each node takes 48 bytes.
  std::set<std::pair<Revision, JobRecord*>> by_oldest_ GUARDED_BY(queue_.mutex);
  bool lists_oldest_ GUARDED_BY(queue_.mutex) = false;
  struct Cut {
    std::uint16_t number = 0;  // 0: there was none yet.
    bool open = false;         // There may be records that are not copied yet.
    bool broken = false;
    // All records in the buckets before this one, of so many, are copied.
    std::size_t bucket = 0, buckets = 0;
    JobCopies kept;  // Jobs that have changed since, as they were.
    std::size_t kept_entries = 0;
  };
  Cut cut_ GUARDED_BY(queue_.mutex);
  Epoch epoch_ GUARDED_BY(queue_.mutex) = 0;
  bool installing_ GUARDED_BY(queue_.mutex) = false;
  bool stopped_ GUARDED_BY(queue_.mutex) = false;

  std::thread renderer_;
};

}  // namespace bide
