#include "bench/kit/quantiles.h"

#include <doctest/doctest.h>

namespace bench {
namespace {

using namespace std::chrono_literals;

TEST_CASE("quantiles: the smallest sample that the share of all does not exceed") {
  Quantiles quantiles;
  for (int i = 100; i >= 1; --i) quantiles.add(std::chrono::milliseconds(i));
  CHECK(quantiles.ms(0.5) == doctest::Approx(50));
  CHECK(quantiles.ms(0.99) == doctest::Approx(99));
  CHECK(quantiles.ms(0.999) == doctest::Approx(100));
  CHECK(quantiles.ms(1) == doctest::Approx(100));
  CHECK(quantiles.ms(0) == doctest::Approx(1));
  quantiles.add(200ms);  // Sorted before; the new one must not stay at the end of the old order.
  quantiles.add(500us);
  CHECK(quantiles.ms(1) == doctest::Approx(200));
  CHECK(quantiles.ms(0) == doctest::Approx(0.5));
  CHECK(quantiles.count() == 102);
}

TEST_CASE("quantiles: without samples there is nothing to tell") {
  Quantiles quantiles;
  CHECK(quantiles.ms(0.5) == 0);
  Quantiles other;
  other.add(3ms);
  quantiles.add_all(other);
  CHECK(quantiles.ms(0.5) == doctest::Approx(3));
}

}  // namespace
}  // namespace bench
