#include "server/net/client_rates.h"

#include <doctest/doctest.h>

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kAda = 1;
constexpr std::uint64_t kBob = ~std::uint64_t{0};
const TimePoint kStart{1000s};

int charged(ClientRates& rates, std::uint64_t client, int tries, TimePoint now) {
  int charged = 0;
  for (int i = 0; i < tries; ++i) charged += rates.charge(client, now) ? 1 : 0;
  return charged;
}

}  // namespace

TEST_CASE("client rates: a second's worth at once, and then as many as a second brings") {
  ClientRates rates({.count = 10});
  CHECK(charged(rates, kAda, 50, kStart) == 10);
  CHECK(charged(rates, kBob, 5, kStart) == 5);
  CHECK(charged(rates, kAda, 50, kStart + 99ms) == 0);
  CHECK(charged(rates, kAda, 50, kStart + 301ms) == 3);
  CHECK(charged(rates, kAda, 50, kStart + 1h) == 10);
  CHECK(charged(rates, kAda, 50, kStart) == 0);  // Clocks of two threads may differ a little.
  CHECK(rates.pause() == 1s);
}

TEST_CASE("client rates: twenty a minute are one every three seconds") {
  ClientRates rates({.count = 20, .per = 60s});
  CHECK(rates.has_credit(kAda, kStart));
  CHECK(charged(rates, kAda, 50, kStart) == 20);
  CHECK_FALSE(rates.has_credit(kAda, kStart));
  CHECK(rates.has_credit(kBob, kStart));
  CHECK_FALSE(rates.has_credit(kAda, kStart + 2900ms));
  CHECK(rates.has_credit(kAda, kStart + 3100ms));
  CHECK(charged(rates, kAda, 50, kStart + 30s) == 10);
  CHECK(rates.pause() == 3s);
}

TEST_CASE("client rates: without a limit nothing is remembered") {
  ClientRates rates({});
  CHECK(charged(rates, kAda, 1000, kStart) == 1000);
  CHECK(rates.has_credit(kAda, kStart));
  CHECK(rates.size() == 0);
}

TEST_CASE("client rates: a crowd of addresses is forgotten once it is idle") {
  ClientRates rates({.count = 10});
  for (std::uint64_t client = 0; client < 100'000; ++client) {
    REQUIRE(rates.charge(client, kStart + std::chrono::milliseconds(client)));
  }
  // One each is made up for in 100 ms; what is swept late is at most as much again.
  CHECK(rates.size() <= 2048);
}

TEST_CASE("client rates: a crowd of any size costs no more than kClientsMax") {
  ClientRates rates({.count = 20, .per = 60s});
  for (std::uint64_t client = 0; client < 300'000; ++client) {
    REQUIRE(rates.charge(client * 0x9E37'79B9'7F4A'7C15U, kStart));
  }
  CHECK(rates.size() <= ClientRates::kClientsMax);
}

}  // namespace bide
