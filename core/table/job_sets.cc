#include "core/table/job_sets.h"

#include <cassert>
#include <new>
#include <utility>

#include "core/table/job_set_group.h"
#include "core/table/overview.h"
#include "core/table/selection_group.h"

namespace bide {
namespace {

// A job may be deleted between the selection and the look at it, so often in a row.
constexpr int kLooksMax = 8;

}  // namespace

JobSets::JobSets(JobTable& table, Clock& clock) : table_(table), clock_(clock) {}

JobSets::~JobSets() { assert(groups_.empty()); }

Look JobSets::look(const JobSetQuery& query, const Waiter::Terms& terms, TimePoint now) {
  if (query.selection == nullptr) return look_at_set(table_, query, terms, now);
  for (int looks = 0; looks < kLooksMax; ++looks) {
    Members members = select(query.selection);
    if (members.ids.empty() || !members.whole) return {};
    Look look = look_at_set(table_, {std::move(members.ids), query.match_any}, terms, now);
    if (look.snapshot != nullptr) return look;
  }
  return {};
}

Members JobSets::select(const SelectionPtr& selection) const {
  return table_.overview().members(selection, kJobSetIdsMax);
}

Parked JobSets::park(std::shared_ptr<const JobSetQuery> query, Waiter& waiter, std::uint64_t ticket,
                     TimePoint now, Look& look) {
  look = {};
  const std::shared_ptr<HeldSet> group = enter(std::move(query), waiter, ticket);
  if (group == nullptr) return Parked::kGone;
  try {
    const Parked parked = group->park(now, look);
    if (parked != Parked::kParked) forget(waiter, *group);
    return parked;
  } catch (const std::bad_alloc&) {
    group->leave();
    forget(waiter, *group);
    throw;
  }
}

std::shared_ptr<HeldSet> JobSets::enter(std::shared_ptr<const JobSetQuery> query, Waiter& waiter,
                                        std::uint64_t ticket) {
  MutexLock lock(mutex_);
  if (!waiter.present(ticket)) return nullptr;
  // Before this check the terms may be those of another request. After it nobody changes them until
  // unpark() was called.
  std::shared_ptr<HeldSet> group;
  if (query->selection == nullptr) {
    group = std::make_shared<JobSetGroup>(*this, waiter, std::move(query));
  } else {
    group = std::make_shared<SelectionGroup>(*this, waiter, std::move(query));
  }
  groups_[&waiter] = group;
  return group;
}

void JobSets::unpark(Waiter& waiter) {
  std::shared_ptr<HeldSet> group;
  {
    MutexLock lock(mutex_);
    const auto entry = groups_.find(&waiter);
    if (entry == groups_.end()) return;  // Not entered yet: park() will find the ticket gone.
    group = std::move(entry->second);
    groups_.erase(entry);
  }
  group->leave();
}

void JobSets::forget(Waiter& waiter, const HeldSet& group) {
  std::shared_ptr<HeldSet> last;  // Let go of after the lock: a group frees what it holds.
  MutexLock lock(mutex_);
  const auto entry = groups_.find(&waiter);
  if (entry == groups_.end() || entry->second.get() != &group) return;
  last = std::move(entry->second);
  groups_.erase(entry);
}

std::vector<JobId> JobSets::missing(const std::vector<JobId>& ids) {
  std::vector<JobId> missing;
  for (const JobId& id : ids) {
    if (table_.look(id, {}, clock_.now()).snapshot == nullptr) missing.push_back(id);
  }
  return missing;
}

}  // namespace bide
