// core/table/group_waiter.h: A waiter that a group (core/table/job_set_group.h, selection_group.h)
// parks for the request that it stands for.
//
// `Group` is kept by shared pointers and has on_answer(Self&, Outcome), which may throw when there
// is no memory, and lose(Self*): Self was lost, or null if there is no memory for the next step.
// `Self` is the class that derives from this.
//
// Thread safety: as Waiter. `idle` is guarded by the group's mutex.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "core/parking/waiter.h"

namespace bide {

template <typename Group, typename Self>
class GroupWaiter : public Waiter {
 public:
  [[nodiscard]] bool present(std::uint64_t) const noexcept override { return true; }
  // Takes the reference before the claim, see "Races" in core/table/job_set_group.h. If the claim
  // is lost, this reference is not the last: the thread that won holds one and waits for the mutex
  // of the queue.
  [[nodiscard]] bool try_claim() noexcept override {
    std::shared_ptr<Group> group = group_.shared_from_this();
    if (!take()) return false;
    kept_ = std::move(group);
    return true;
  }
  void answer(Outcome outcome, std::shared_ptr<const Snapshot>) noexcept override {
    // It may be claimed again before this returns. So the reference moves to the stack.
    const std::shared_ptr<Group> group = std::move(kept_);
    try {
      group->on_answer(self(), outcome);
    } catch (const std::bad_alloc&) {
      group->lose(nullptr);
    }
  }
  void lose() noexcept override {
    const std::shared_ptr<Group> group = std::move(kept_);
    group->lose(&self());
  }
  // Only the claim, when the group recalls the waiter.
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }
  // Under the group's mutex: the waiter was answered or recalled, and may be parked again.
  void put_back() noexcept {
    taken_.store(false, std::memory_order_relaxed);
    idle = true;
  }

  bool idle = true;  // Neither parked nor about to be answered.

 protected:
  explicit GroupWaiter(Group& group) : group_(group) {}
  ~GroupWaiter() override = default;

  Group& group_;

 private:
  [[nodiscard]] Self& self() { return static_cast<Self&>(*this); }

  std::atomic<bool> taken_{false};
  std::shared_ptr<Group> kept_;  // From try_claim() to the end of answer().
};

}  // namespace bide
