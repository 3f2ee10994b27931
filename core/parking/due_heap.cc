#include "core/parking/due_heap.h"

#include <algorithm>
#include <cassert>

namespace bide {

void DueHeap::place(std::size_t index, Waiter* waiter) {
  heap_[index] = waiter;
  waiter->heap_index_ = static_cast<std::uint32_t>(index);
}

void DueHeap::sift_up(std::size_t index) {
  Waiter* const waiter = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->due_ <= waiter->due_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, waiter);
}

void DueHeap::sift_down(std::size_t index) {
  Waiter* const waiter = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) ++child;
    if (waiter->due_ <= heap_[child]->due_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, waiter);
}

void DueHeap::make_room() {
  constexpr std::size_t kFirst = 64;
  if (heap_.size() == heap_.capacity()) heap_.reserve(std::max(kFirst, 2 * heap_.capacity()));
}

void DueHeap::insert(Waiter& waiter, TimePoint due) {
  assert(waiter.heap_index_ == Waiter::kNotParked);
  waiter.due_ = due;
  heap_.push_back(&waiter);
  sift_up(heap_.size() - 1);
}

void DueHeap::erase(Waiter& waiter) {
  const std::size_t index = waiter.heap_index_;
  assert(index < heap_.size() && heap_[index] == &waiter);
  waiter.heap_index_ = Waiter::kNotParked;
  Waiter* const last = heap_.back();
  heap_.pop_back();
  if (last == &waiter) return;
  place(index, last);
  change(*last, last->due_);
}

void DueHeap::change(Waiter& waiter, TimePoint due) {
  waiter.due_ = due;
  sift_up(waiter.heap_index_);
  sift_down(waiter.heap_index_);
}

}  // namespace bide
