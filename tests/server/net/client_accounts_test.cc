#include "server/net/client_accounts.h"

#include <doctest/doctest.h>

#include <future>
#include <vector>

namespace bide {
namespace {

using namespace std::chrono_literals;
using Share = ClientAccounts::Share;

constexpr std::uint64_t kAda = 1;
constexpr std::uint64_t kBob = ~std::uint64_t{0};
const TimePoint kStart{1000s};

int taken(ClientAccounts& accounts, std::uint64_t client, int tries) {
  int taken = 0;
  for (int i = 0; i < tries; ++i) taken += accounts.take(Share::kPlaces, client) ? 1 : 0;
  return taken;
}

int charged(ClientAccounts& accounts, std::uint64_t client, int tries, TimePoint now) {
  int charged = 0;
  for (int i = 0; i < tries; ++i) charged += accounts.charge(client, now) ? 1 : 0;
  return charged;
}

}  // namespace

TEST_CASE("client accounts: one client's places end at the limit, another's do not") {
  ClientAccounts accounts({.places = 3});
  CHECK(taken(accounts, kAda, 5) == 3);
  CHECK(taken(accounts, kBob, 1) == 1);
  accounts.give_back(Share::kPlaces, kAda);
  CHECK(taken(accounts, kAda, 2) == 1);
}

TEST_CASE("client accounts: a larger amount is taken as a whole or not at all") {
  ClientAccounts accounts({.places = 300});
  REQUIRE(accounts.take(Share::kPlaces, kAda, 256));
  CHECK_FALSE(accounts.take(Share::kPlaces, kAda, 45));
  CHECK(accounts.take(Share::kPlaces, kAda, 44));
  CHECK_FALSE(accounts.take(Share::kPlaces, kAda, 1));
  CHECK_FALSE(accounts.take(Share::kPlaces, kBob, 301));
  CHECK(accounts.size() == 1);
  accounts.give_back(Share::kPlaces, kAda, 200);
  accounts.give_back(Share::kPlaces, kAda, 100);
  CHECK(accounts.size() == 0);
}

TEST_CASE("client accounts: without a limit nothing is kept") {
  ClientAccounts accounts({});
  CHECK(taken(accounts, kAda, 1000) == 1000);
  CHECK(charged(accounts, kAda, 1000, kStart) == 1000);
  CHECK(accounts.size() == 0);
}

TEST_CASE("client accounts: a client that holds nothing any more is forgotten") {
  ClientAccounts accounts({.places = 3});
  for (std::uint64_t client = 0; client < 1000; ++client) {
    REQUIRE(accounts.take(Share::kPlaces, client << 32));
    REQUIRE(accounts.take(Share::kPlaces, client << 32));
  }
  CHECK(accounts.size() == 1000);
  for (std::uint64_t client = 0; client < 1000; ++client) {
    accounts.give_back(Share::kPlaces, client << 32);
  }
  CHECK(accounts.size() == 1000);
  for (std::uint64_t client = 0; client < 1000; ++client) {
    accounts.give_back(Share::kPlaces, client << 32);
  }
  CHECK(accounts.size() == 0);
}

TEST_CASE("client accounts: a place kept does not keep the rate from being counted") {
  ClientAccounts accounts({.places = 1, .per_second = 2});
  REQUIRE(accounts.take(Share::kPlaces, kAda));
  CHECK(charged(accounts, kAda, 5, kStart) == 2);
  accounts.give_back(Share::kPlaces, kAda);
  CHECK(charged(accounts, kAda, 5, kStart) == 0);
}

TEST_CASE("client accounts: threads never take more than there is") {
  ClientAccounts accounts({.places = 100});
  std::vector<std::future<int>> threads;
  for (int i = 0; i < 4; ++i) {
    threads.push_back(std::async(std::launch::async, [&] { return taken(accounts, kAda, 100); }));
  }
  int total = 0;
  for (auto& thread : threads) total += thread.get();
  CHECK(total == 100);
  for (int i = 0; i < 100; ++i) accounts.give_back(Share::kPlaces, kAda);
  CHECK(accounts.size() == 0);
}

}  // namespace bide
