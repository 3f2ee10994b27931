// server/metrics/histogram.h: A histogram of durations, for Prometheus.
//
// Thread safety: a Histogram is part of a thread's block (server/metrics/per_thread.h); figures are
// values.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/metrics/per_thread.h"

namespace bide {

// Inclusive upper bounds in ascending order. One more bucket has everything above the last bound.
template <std::size_t N>
using BucketBounds = std::array<std::chrono::nanoseconds, N>;

// The sum over all threads.
template <const auto& kBounds>
struct HistogramFigures {
  std::array<std::uint64_t, kBounds.size() + 1> buckets{};  // Not cumulative.
  std::uint64_t sum_ns = 0;
};

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
  void add_to(HistogramFigures<kBounds>& figures) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) figures.buckets[i] += buckets_[i].load();
    figures.sum_ns += sum_ns_.load();
  }

 private:
  Tally sum_ns_;
  std::array<Tally, kBounds.size() + 1> buckets_;
};

}  // namespace bide
