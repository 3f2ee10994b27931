#include "client/back_off.h"

#include <algorithm>

namespace bide {

std::chrono::milliseconds BackOff::next_pause() {
  const auto pause = between(span_ / 2, span_);
  span_ = std::min(2 * span_, kPauseMax);
  return pause;
}

std::chrono::milliseconds BackOff::stretched(std::chrono::milliseconds asked) {
  return between(asked, asked + asked / 4);
}

std::chrono::milliseconds BackOff::between(std::chrono::milliseconds low,
                                           std::chrono::milliseconds high) {
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(low.count(), high.count())(random_));
}

}  // namespace bide
