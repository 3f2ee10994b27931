// core/parking/due_heap.h: The parked requests of a wait queue, the one that is due first on top.
//
// An indexed binary heap: each waiter knows its place, so that a client that leaves is taken out in
// O(log n) and parking costs no allocation but the heap's own growth (8 bytes a waiter). A timer
// wheel would be O(1), but needs ticks: waking every few milliseconds with nothing to do.
//
// Thread safety: none; guarded by the queue's mutex.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parking/waiter.h"

namespace bide {

class DueHeap {
 public:
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  [[nodiscard]] bool holds(const Waiter& waiter) const {
    return waiter.heap_index_ != Waiter::kNotParked;
  }
  // The waiter with the earliest due time. Must not be empty.
  [[nodiscard]] Waiter& top() const { return *heap_.front(); }
  [[nodiscard]] TimePoint next_due() const { return empty() ? kEndOfTime : top().due_; }

  // Allocates what the next insert() may need. May throw std::bad_alloc; after it the next insert()
  // does not.
  void make_room();
  void insert(Waiter& waiter, TimePoint due);
  void erase(Waiter& waiter);
  void change(Waiter& waiter, TimePoint due);

 private:
  void place(std::size_t index, Waiter* waiter);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  std::vector<Waiter*> heap_;
};

}  // namespace bide
