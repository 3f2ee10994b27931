// bench/kit/quantiles.h: Samples and their quantiles.
//
// Keeps every sample: a measurement here has at most a few million, and a histogram's buckets would
// be one more thing to explain.
//
// Thread safety: none.
#pragma once

#include <chrono>
#include <vector>

namespace bench {

class Quantiles {
 public:
  void add(std::chrono::nanoseconds sample);
  void add_all(const Quantiles& other);
  [[nodiscard]] std::size_t count() const { return samples_.size(); }
  // The smallest sample that `share` (0..1) of them do not exceed; 0.5 is the median, 1 the
  // maximum. Zero without samples. Sorts, so O(n log n) after an add().
  [[nodiscard]] double ms(double share);

 private:
  std::vector<std::chrono::nanoseconds> samples_;
  bool sorted_ = false;
};

}  // namespace bench
