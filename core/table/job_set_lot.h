// core/table/job_set_lot.h: Parks requests that wait for several jobs at once.
//
// A parked request is a group (core/table/job_set_group.h) that parks a waiter of its own on each
// of its jobs. So a change costs time only for requests that wait for that job, in whatever set.
//
// The lot's mutex guards only the map from a request's waiter to its group. It is a leaf: no
// group's mutex is locked together with it. It orders parking and hanging up. park() checks
// present(ticket), copies the terms and enters the group under the mutex. unpark() comes before
// that, and then the ticket is not present any more; or it comes after, and finds the group, whose
// own mutex then decides, because park() may still be at work. The thread that ends a group removes
// its map entry, before it releases the waiter. It compares the group, because a waiter that
// unpark() released may be parked again already.
//
// Thread safety: all methods may be called from any thread. Destroyed before the table, and after
// JobTable::drain() and all tasks that drain() gave to the executor.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/mutex.h"
#include "core/table/job_set.h"

namespace bide {

class JobSetGroup;

class JobSetLot final : public Lot {
 public:
  // `clock` is the table's.
  JobSetLot(JobTable& table, Clock& clock);
  ~JobSetLot() override;

  // `key` is that of a JobSetQuery. A null snapshot: one of the jobs does not exist (see
  // missing()), or `key` is malformed. Blocks for mutexes only.
  [[nodiscard]] Look look(std::string_view key, const Waiter::Terms& terms, TimePoint now) override;

  // Terms: `change`, `done` or `succeeded`; `seen` are validators for the set's JSON. Answers kGone
  // with a null snapshot as soon as one of the jobs is deleted. A set takes one place of the table
  // for each job. kReady with a null snapshot: as for look().
  [[nodiscard]] Parked park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look) override EXCLUDES(mutex_);
  void unpark(std::string_view key, Waiter& waiter) override EXCLUDES(mutex_);

  // The jobs among `ids` that do not exist now, for the error message.
  [[nodiscard]] std::vector<std::string> missing(const std::vector<std::string>& ids);

 private:
  friend class JobSetGroup;
  using Groups = std::unordered_map<Waiter*, std::shared_ptr<JobSetGroup>>;

  // Null: the waiter does not belong to the request of `ticket` any more.
  [[nodiscard]] std::shared_ptr<JobSetGroup> enter(JobSetQuery query, Waiter& waiter,
                                                   std::uint64_t ticket) EXCLUDES(mutex_);
  void forget(Waiter& waiter, const JobSetGroup& group) EXCLUDES(mutex_);

  JobTable& table_;
  Clock& clock_;
  Mutex mutex_;
  Groups groups_ GUARDED_BY(mutex_);
};

}  // namespace bide
