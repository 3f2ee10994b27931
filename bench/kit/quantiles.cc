#include "bench/kit/quantiles.h"

#include <algorithm>
#include <cmath>

namespace bench {

void Quantiles::add(std::chrono::nanoseconds sample) {
  samples_.push_back(sample);
  sorted_ = false;
}

void Quantiles::add_all(const Quantiles& other) {
  samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end());
  sorted_ = false;
}

double Quantiles::ms(double share) {
  if (samples_.empty()) return 0;
  if (!sorted_) std::sort(samples_.begin(), samples_.end());
  sorted_ = true;
  const double rank = std::ceil(share * static_cast<double>(samples_.size()));
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return std::chrono::duration<double, std::milli>(samples_[std::min(index, samples_.size() - 1)])
      .count();
}

}  // namespace bench
