#include "core/table/job_set_lot.h"

#include <cassert>
#include <new>
#include <optional>
#include <utility>

#include "core/table/job_set_group.h"

namespace bide {

JobSetLot::JobSetLot(JobTable& table, Clock& clock) : table_(table), clock_(clock) {}

JobSetLot::~JobSetLot() { assert(groups_.empty()); }

Lot::Look JobSetLot::look(std::string_view key, const Waiter::Terms& terms, TimePoint now) {
  const std::optional<JobSetQuery> query = JobSetQuery::parse(key);
  if (!query) return {};
  return look_at_set(table_, *query, terms, now);
}

Lot::Parked JobSetLot::park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look) {
  look = {};
  std::optional<JobSetQuery> query = JobSetQuery::parse(key);
  if (!query) return Parked::kReady;
  const std::shared_ptr<JobSetGroup> group = enter(std::move(*query), waiter, ticket);
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

std::shared_ptr<JobSetGroup> JobSetLot::enter(JobSetQuery query, Waiter& waiter,
                                              std::uint64_t ticket) {
  MutexLock lock(mutex_);
  if (!waiter.present(ticket)) return nullptr;
  // Before this check the terms may be those of another request. After it nobody changes them until
  // unpark() was called.
  auto group = std::make_shared<JobSetGroup>(*this, waiter, std::move(query));
  groups_[&waiter] = group;
  return group;
}

void JobSetLot::unpark(std::string_view /*key*/, Waiter& waiter) {
  std::shared_ptr<JobSetGroup> group;
  {
    MutexLock lock(mutex_);
    const auto entry = groups_.find(&waiter);
    if (entry == groups_.end()) return;  // Not entered yet: park() will find the ticket gone.
    group = std::move(entry->second);
    groups_.erase(entry);
  }
  group->leave();
}

void JobSetLot::forget(Waiter& waiter, const JobSetGroup& group) {
  std::shared_ptr<JobSetGroup> last;  // Destroyed after unlocking: a group frees memory.
  MutexLock lock(mutex_);
  const auto entry = groups_.find(&waiter);
  if (entry == groups_.end() || entry->second.get() != &group) return;
  last = std::move(entry->second);
  groups_.erase(entry);
}

std::vector<std::string> JobSetLot::missing(const std::vector<std::string>& ids) {
  std::vector<std::string> missing;
  for (const std::string& id : ids) {
    if (table_.look(id, {}, clock_.now()).snapshot == nullptr) missing.push_back(id);
  }
  return missing;
}

}  // namespace bide
