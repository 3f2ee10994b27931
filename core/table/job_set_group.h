// core/table/job_set_group.h: One parked request for many jobs, and its strands.
//
// A strand is a Waiter of the group, parked in the job table on one of the jobs. It waits for what
// its job can contribute: for `change` any change of the job, otherwise the request's condition. A
// job is counted when it can contribute no more: it is done and all must be done, or it can never
// succeed and any may succeed. Then its strand waits for any change, so that the job is judged
// again if a late agent acknowledges. So every job has a parked strand all the time. A deletion is
// noticed at once, and the first strand to be answered reports the deadline or the drain. A job
// that does not exist yet has a strand as well, if the request waits for it.
//
// When one job decides, or all are counted, the group looks at the whole set again, and judges that
// look alone. So the answer satisfies the condition, whatever happened since the strand was
// answered. If the condition does not hold, the group parks its idle strands again and goes on
// waiting. At the deadline it looks in the same way, so a change beats the deadline.
//
// Locks. The group's mutex is locked before a shard's mutex (to park and unpark strands, to look at
// jobs), never while one is held. A notifier that holds its shard's mutex calls only present() and
// try_claim() of a strand, which use atomics; it calls answer() without locks. A group holds its
// mutex for a whole look. That delays only notifiers with more news for the same group.
//
// Races.
// - The request's answer against its hang-up: the group claims the request's waiter under its mutex
//   while it is open, and leave() closes the group under that mutex. So after unpark() there is no
//   claim, which could hit the next request on a reused connection. Until leave() has run, the
//   waiter still belongs to this request, and the claim simply fails.
// - A strand's answer against its recall: as for any waiter, the thread that wins the claim
//   decides.
//   The notifier takes a reference to the group before it claims, so that its answer() finds the
//   memory and a closed group. It must do so before, because after the claim nothing else keeps the
//   group. While the strand is parked and not claimed, the thread that closes the group holds it
//   and waits for the shard's mutex in unpark().
// - A strand that was just answered is parked again: answer() has begun, so the table has forgotten
//   the strand, and only the group knows, under its mutex, that it is idle.
// - A strand may be answered while its group is still parking others: its answer() waits for the
//   mutex.
//
// Thread safety: as annotated. Shared pointers keep a group: that of JobSets while it is open, and
// those of claimed strands.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "core/base/mutex.h"
#include "core/table/group_waiter.h"
#include "core/table/job_set.h"
#include "core/table/job_sets.h"

namespace bide {

class JobSetGroup final : public HeldSet, public std::enable_shared_from_this<JobSetGroup> {
 public:
  // Copies the waiter's terms. Under the mutex of `sets`.
  JobSetGroup(JobSets& sets, Waiter& waiter, std::shared_ptr<const JobSetQuery> query);

  [[nodiscard]] Parked park(TimePoint now, Look& look) override EXCLUDES(mutex_);
  void leave() override EXCLUDES(mutex_);

 private:
  class Strand final : public GroupWaiter<JobSetGroup, Strand> {
   public:
    Strand(JobSetGroup& group, std::size_t job) : GroupWaiter(group), index(job) {}

    const std::size_t index;  // The index of its job.
    // Guarded by the group's mutex.
    bool counted = false;
    bool appeared = false;  // Its job has existed: if it does not now, it was deleted.
  };
  friend class GroupWaiter<JobSetGroup, Strand>;

  void on_answer(Strand& strand, Outcome told) EXCLUDES(mutex_);
  // There is no memory: the request ends without an answer.
  void lose(Strand* strand) noexcept EXCLUDES(mutex_);
  // The outcome for the request. nullopt: it goes on waiting.
  [[nodiscard]] std::optional<Outcome> judge(Strand& strand, Outcome told, Look& look)
      REQUIRES(mutex_);
  // Parks all idle strands, and looks at the set whenever that is due. True: `look` decides, or the
  // table parks no more.
  [[nodiscard]] bool advance(TimePoint now, Look& look) REQUIRES(mutex_);
  void arm(Strand& strand, const JobSnapshots& jobs, TimePoint now) REQUIRES(mutex_);
  [[nodiscard]] bool try_park(Strand& strand, const Condition& condition, ValidatorList seen,
                              TimePoint now, Look& look) REQUIRES(mutex_);
  [[nodiscard]] Look look_at_all(TimePoint now, JobSnapshots* jobs = nullptr);
  // The condition holds or never will, or one of the jobs is gone.
  [[nodiscard]] bool is_decided(const Look& look) const REQUIRES(mutex_);
  void close() REQUIRES(mutex_);
  [[nodiscard]] std::uint32_t place_count() const {
    return static_cast<std::uint32_t>(query_->ids.size());
  }

  JobSets& sets_;
  Waiter& waiter_;
  const std::shared_ptr<const JobSetQuery> query_;
  const Waiter::Terms terms_;
  const bool for_change_;

  Mutex mutex_;
  std::deque<Strand> strands_ GUARDED_BY(mutex_);
  std::size_t counted_ GUARDED_BY(mutex_) = 0;
  bool look_due_ GUARDED_BY(mutex_) = false;
  bool gone_ GUARDED_BY(mutex_) = false;      // A job was deleted while it was waited for.
  bool draining_ GUARDED_BY(mutex_) = false;  // The table parks no more.
  bool admitted_ GUARDED_BY(mutex_) = false;  // Has taken its places in the table.
  bool closed_ GUARDED_BY(mutex_) = false;    // Answered, left, or never parked.
};

}  // namespace bide
