// tests/failing_allocator.h: operator new, made to fail. Include it in one source of a program.
//
// Threads that called exempt_this_thread() always get memory: those of the test itself.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace bide::testing {

inline std::atomic<long> allocations_until_failure{-1};  // -1: none fails.
inline std::atomic<bool> fails_for_good{false};          // All that follow the first fail, too.
inline std::atomic<long> allocations_failed{0};
inline thread_local bool exempt = false;

inline void exempt_this_thread() { exempt = true; }
// From the nth allocation on: that one fails, or all do.
inline void fail_allocation(long nth, bool for_good) {
  allocations_failed.store(0);
  fails_for_good.store(for_good);
  allocations_until_failure.store(nth);
}
// How many have failed.
inline long stop_failing() {
  allocations_until_failure.store(-1);
  return allocations_failed.load();
}

inline bool must_fail() {
  if (exempt || allocations_until_failure.load(std::memory_order_relaxed) < 0) return false;
  const long left = allocations_until_failure.fetch_sub(1);
  const bool fails = left == 1 || (left < 1 && fails_for_good.load());
  if (left <= 0) allocations_until_failure.fetch_add(1);
  if (fails) allocations_failed.fetch_add(1);
  return fails;
}

inline void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (must_fail()) return nullptr;
  if (bytes == 0) bytes = 1;
  return alignment <= alignof(std::max_align_t)
             ? std::malloc(bytes)
             : std::aligned_alloc(alignment, (bytes + alignment - 1) & -alignment);
}

inline void* allocate(std::size_t bytes, std::size_t alignment) {
  void* const memory = try_allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace bide::testing

void* operator new(std::size_t bytes) {
  return bide::testing::allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return bide::testing::allocate(bytes, static_cast<std::size_t>(alignment));
}
// Those that do not throw as well: a sanitizer has its own, whose memory free() must not get.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return bide::testing::try_allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return bide::testing::try_allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
