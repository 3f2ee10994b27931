// core/table/job_sets.h: Parks requests that wait for several jobs at once.
//
// A parked request is a group (core/table/job_set_group.h) that parks a waiter of its own on each
// of its jobs. So a change costs time only for requests that wait for that job, in whatever set. A
// request for the jobs of a selection is a group of another kind (core/table/selection_group.h),
// which parks a request for a set of named jobs.
//
// The mutex in here guards only a map from the request's waiter to its group. It is a leaf: it is
// not held together with a group's mutex. It makes parking and hanging up exclude each other: under
// it park() calls present(ticket), copies the terms and enters the group. If unpark() comes before
// that, the ticket is no longer present. If it comes after, it finds the group, whose own mutex
// then decides (park() may still be at work). The thread that ends the group removes the entry
// before it lets go of the waiter. It compares the group, because a waiter that unpark() has let go
// of may be parked again already.
//
// Thread safety: all methods may be called from any thread. Destroy it after JobTable::drain(), and
// after the executor has run the tasks that drain() gave it.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/base/mutex.h"
#include "core/table/draft.h"
#include "core/table/job_set.h"

namespace bide {

// A parked request for several jobs.
class HeldSet {
 public:
  virtual ~HeldSet() = default;
  // As JobSets::park(), to be called once. If it does not return kParked, nothing is parked.
  [[nodiscard]] virtual Parked park(TimePoint now, Look& look) = 0;
  // The client hung up. When this returns, the request's waiter is not used any more.
  virtual void leave() = 0;
};

class JobSets {
 public:
  // `clock` is the table's.
  JobSets(JobTable& table, Clock& clock);
  ~JobSets();
  JobSets(const JobSets&) = delete;
  JobSets& operator=(const JobSets&) = delete;

  // A null snapshot: one of the jobs does not exist, see missing(); or the selection has none, or
  // too many (select()). Blocks for mutexes only.
  [[nodiscard]] Look look(const JobSetQuery& query, const Waiter::Terms& terms, TimePoint now);

  // Terms: `change`, `done` or `succeeded`; `seen` are validators of the set's JSON. Answers kGone
  // with a null snapshot as soon as one of the jobs is deleted. Terms::waits_for_job: waits for
  // those that do not exist yet, and answers without a snapshot if some of them never come. A set
  // takes as many of the table's places as it has jobs. kReady with a null snapshot: as for look().
  [[nodiscard]] Parked park(std::shared_ptr<const JobSetQuery> query, Waiter& waiter,
                            std::uint64_t ticket, TimePoint now, Look& look) EXCLUDES(mutex_);
  void unpark(Waiter& waiter) EXCLUDES(mutex_);

  // The jobs of a selection now, at most kJobSetIdsMax.
  [[nodiscard]] Members select(const SelectionPtr& selection) const;

  // The jobs that do not exist now, for the answer to the client.
  [[nodiscard]] std::vector<JobId> missing(const std::vector<JobId>& ids);

 private:
  friend class JobSetGroup;
  friend class SelectionGroup;
  using Groups = std::unordered_map<Waiter*, std::shared_ptr<HeldSet>>;

  // Null: the waiter is not the request of `ticket` any more.
  [[nodiscard]] std::shared_ptr<HeldSet> enter(std::shared_ptr<const JobSetQuery> query,
                                               Waiter& waiter, std::uint64_t ticket)
      EXCLUDES(mutex_);
  void forget(Waiter& waiter, const HeldSet& group) EXCLUDES(mutex_);

  JobTable& table_;
  Clock& clock_;
  Mutex mutex_;
  Groups groups_ GUARDED_BY(mutex_);
};

}  // namespace bide
