#include "core/parking/waiter.h"

namespace bide {

std::string_view word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNow:
      return "now";
    case Outcome::kChanged:
      return "changed";
    case Outcome::kDone:
      return "done";
    case Outcome::kTimeout:
      return "timeout";
    case Outcome::kShed:
      return "shed";
    case Outcome::kDrain:
      return "drain";
    case Outcome::kGone:
      return "gone";
    case Outcome::kAuth:
      return "auth";
  }
  return "";
}

void WaiterList::link(Waiter& waiter) {
  waiter.list_ = this;
  waiter.prev_ = nullptr;
  waiter.next_ = waiters;
  if (waiters != nullptr) waiters->prev_ = &waiter;
  waiters = &waiter;
}

void WaiterList::unlink(Waiter& waiter) {
  (waiter.prev_ != nullptr ? waiter.prev_->next_ : waiter.list_->waiters) = waiter.next_;
  if (waiter.next_ != nullptr) waiter.next_->prev_ = waiter.prev_;
  waiter.list_ = nullptr;
  waiter.prev_ = waiter.next_ = nullptr;
}

}  // namespace bide
