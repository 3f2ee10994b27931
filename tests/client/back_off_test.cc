#include "client/back_off.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace bide;
using namespace std::chrono_literals;

TEST_CASE("back_off: pauses grow, and stay within their bounds") {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    BackOff back_off(seed);
    auto low = BackOff::kPauseMin;
    for (int i = 0; i < 12; ++i) {
      const auto pause = back_off.next_pause();
      CHECK(pause >= low);
      CHECK(pause <= std::min(2 * low, BackOff::kPauseMax));
      low = std::min(2 * low, BackOff::kPauseMax / 2);
    }
  }
}

TEST_CASE("back_off: it begins small again once all is well") {
  BackOff back_off(7);
  for (int i = 0; i < 10; ++i) static_cast<void>(back_off.next_pause());
  back_off.reset();
  CHECK(back_off.next_pause() <= 2 * BackOff::kPauseMin);
}

TEST_CASE("back_off: clients do not come back together") {
  BackOff one(1), other(2);
  CHECK(one.next_pause() != other.next_pause());
}

TEST_CASE("back_off: Retry-After is kept, and stretched by a quarter at most") {
  BackOff back_off(3);
  for (int i = 0; i < 100; ++i) {
    const auto pause = back_off.stretched(4s);
    CHECK(pause >= 4s);
    CHECK(pause <= 5s);
  }
  CHECK(back_off.stretched(0s) == 0s);
}
