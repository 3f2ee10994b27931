// server/metrics/histogram.h: A histogram of durations, for Prometheus.
//
// Thread safety: a Histogram is part of a thread's block (server/metrics/per_thread.h), or the sum
// of such blocks that one thread makes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "server/metrics/per_thread.h"

namespace bide {

// Inclusive upper bounds in ascending order. One more bucket has everything above the last bound.
template <std::size_t N>
using BucketBounds = std::array<std::chrono::nanoseconds, N>;

template <const auto& kBounds>
class Histogram {
 public:
  // Negative durations count as zero: they occur if two clocks disagree.
  void observe(std::chrono::nanoseconds took) noexcept {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && took > kBounds[bucket]) ++bucket;
    count(buckets_[bucket]);
    if (took.count() > 0) sum_ns_.add(static_cast<std::uint64_t>(took.count()));
  }
  void add(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i].add(other.buckets_[i].load());
    sum_ns_.add(other.sum_ns_.load());
  }
  [[nodiscard]] std::span<const Tally> buckets() const { return buckets_; }  // Not cumulative.
  [[nodiscard]] std::uint64_t sum_ns() const { return sum_ns_.load(); }

 private:
  Tally sum_ns_;
  std::array<Tally, kBounds.size() + 1> buckets_;
};

}  // namespace bide
