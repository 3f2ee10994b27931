// core/table/selection_group.h: One parked request for the jobs that are selected by labels, for
// `done` or `succeeded`.
//
// Jobs come to the selection and leave it while the request is parked. So the group parks two
// waiters of its own: one on the set of the jobs that are selected now (core/table/job_sets.h), and
// one on the overview, which is told when jobs come or leave (Feed::membership). While no job has
// been selected it has only the second one (Terms::waits_for_job); when the last one has left, the
// selection is gone. When the set has an answer, the group selects the jobs again
// and answers only if they are the same. Otherwise it parks on the new set.
//
// The request pays places for as many jobs as terms.places says. If more come, it is answered as
// shed, and the client pays for them when it comes again.
//
// Locks. The group's mutex is locked before all others that park() of the table and the sets take,
// never while one of them is held: those who hold them call only try_claim() of a part, which uses
// atomics. The races are those of core/table/job_set_group.h, with a part for each strand.
//
// Thread safety: as annotated. Shared pointers keep a group: that of JobSets while it is open, and
// those of claimed parts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/base/mutex.h"
#include "core/table/group_waiter.h"
#include "core/table/job_sets.h"

namespace bide {

class SelectionGroup final : public HeldSet, public std::enable_shared_from_this<SelectionGroup> {
 public:
  // Copies the waiter's terms. Under the mutex of `sets`.
  SelectionGroup(JobSets& sets, Waiter& waiter, std::shared_ptr<const JobSetQuery> query);

  [[nodiscard]] Parked park(TimePoint now, Look& look) override EXCLUDES(mutex_);
  void leave() override EXCLUDES(mutex_);

 private:
  class Part final : public GroupWaiter<SelectionGroup, Part> {
   public:
    explicit Part(SelectionGroup& group) : GroupWaiter(group) {}
    [[nodiscard]] const Selection* selection() const noexcept override {
      return group_.query_->selection.get();
    }
    Target on;  // What it is parked on. Guarded by the group's mutex.
  };
  friend class GroupWaiter<SelectionGroup, Part>;

  void on_answer(Part& part, Outcome told) EXCLUDES(mutex_);
  void lose(Part* part) noexcept EXCLUDES(mutex_);
  // Parks what is to be parked. kParked: the request goes on waiting. Otherwise as park().
  [[nodiscard]] Parked advance(TimePoint now, Look& look) REQUIRES(mutex_);
  [[nodiscard]] Parked try_park(Part& part, TimePoint now, Look& look) REQUIRES(mutex_);
  void recall(Part& part) REQUIRES(mutex_);
  void close() REQUIRES(mutex_);

  JobSets& sets_;
  Waiter& waiter_;
  const std::shared_ptr<const JobSetQuery> query_;
  const Waiter::Terms terms_;

  Mutex mutex_;
  Part jobs_ GUARDED_BY(mutex_);
  Part membership_ GUARDED_BY(mutex_);
  std::vector<JobId> ids_ GUARDED_BY(mutex_);  // On which jobs_ was parked last.
  bool closed_ GUARDED_BY(mutex_) = false;     // Answered, left, or never parked.
};

}  // namespace bide
