// core/hand_out.h: Answers on their way from an attendant to those who waited.
//
// Thread safety: hand_out() may be called from any thread, without locks: answering does I/O.
#pragma once

#include <memory>
#include <vector>

#include "core/crew.h"
#include "core/waiter.h"

namespace bide {

// A waiter that an attendant has taken out and claimed.
struct Ready {
  Waiter* waiter;
  Outcome outcome;
  std::shared_ptr<const Snapshot> snapshot;
};

// Answers all of them. Many are split with the crew, unless that is null. Returns when the last has
// been answered or handed to the crew.
void hand_out(std::vector<Ready> ready, Crew* crew);

}  // namespace bide
