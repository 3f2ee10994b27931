// server/metrics/per_thread.h: A block of counters for each thread. Readers sum the blocks.
//
// If all threads add to one counter, its cache line moves from core to core, and each addition
// needs a locked instruction. Here a thread writes its own block: adding is a load, an addition and
// a store. When a thread ends, the next new thread continues its block, so sums never fall.
//
// Thread safety: all functions may be called from any thread. Only its thread writes a block and
// any thread may read it, so a block consists of Tally members.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <new>

namespace bide {

// Blocks are aligned to this, so that two never share a cache line.
inline constexpr std::size_t kCacheLineBytes = 64;

// A counter with one writer at a time.
class Tally {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // For balances. One thread's value may wrap; the sum over all threads is right modulo 2^64.
  void subtract(std::uint64_t n) noexcept { add(0 - n); }
  [[nodiscard]] std::uint64_t load() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline void count(Tally& tally) noexcept { tally.add(1); }

// More than the pool's threads (256 at most), the notifiers (65) and the rest of bide together.
// Threads beyond would share the last block and may lose counts.
inline constexpr std::uint32_t kCountingThreadsMax = 512;
inline constexpr std::uint32_t kNoThreadNumber = UINT32_MAX;
inline constinit thread_local std::uint32_t thread_number = kNoThreadNumber;
// Gives this thread the lowest free number, until it ends.
std::uint32_t take_thread_number() noexcept;

template <typename Block>
class PerThread {
 public:
  // The last block is made at once, for threads whose own block cannot be allocated.
  PerThread() { blocks_.back().store(new Block, std::memory_order_relaxed); }
  PerThread(const PerThread&) = delete;
  PerThread& operator=(const PerThread&) = delete;
  ~PerThread() {
    for (const auto& block : blocks_) delete block.load(std::memory_order_relaxed);
  }

  // This thread's block.
  [[nodiscard]] Block& mine() noexcept {
    const std::uint32_t number =
        thread_number != kNoThreadNumber ? thread_number : take_thread_number();
    Block* const block = blocks_[number].load(std::memory_order_relaxed);
    return block != nullptr ? *block : add(number);
  }
  template <typename F>
  void for_each(F&& visit) const {
    for (const auto& place : blocks_) {
      if (const Block* const block = place.load(std::memory_order_acquire)) visit(*block);
    }
  }

 private:
  [[gnu::noinline]] Block& add(std::uint32_t number) noexcept {
    auto* const block = new (std::nothrow) Block;
    if (block == nullptr) return *blocks_.back().load(std::memory_order_relaxed);
    blocks_[number].store(block, std::memory_order_release);
    return *block;
  }

  std::array<std::atomic<Block*>, kCountingThreadsMax> blocks_{};
};

}  // namespace bide
