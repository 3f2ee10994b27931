// core/parking/hand_out.h: Answers on their way from an attendant to those who waited.
//
// Thread safety: hand_out() may be called from any thread, without locks: answering does I/O.
#pragma once

#include <memory>
#include <vector>

#include "core/base/crew.h"
#include "core/parking/waiter.h"

namespace bide {

// A waiter that an attendant has taken out and claimed.
struct Ready {
  Waiter* waiter;
  Outcome outcome;
  std::shared_ptr<const Snapshot> snapshot;
};

// All that an attendant has taken out in one pass. It stays where it was made: the lost are linked
// to it.
struct Batch {
  std::vector<Ready> ready;
  WaiterList lost;  // Claimed as well. There was no memory for their answers.

  [[nodiscard]] bool empty() const { return ready.empty() && lost.waiters == nullptr; }
};

// Answers all of them. Many are split with the crew, unless that is null. On return the batch is
// empty: the last has been answered or handed to the crew.
void hand_out(Batch& batch, Crew* crew) noexcept;

}  // namespace bide
