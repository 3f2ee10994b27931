#include "server/client_accounts.h"

#include <doctest/doctest.h>

#include <future>
#include <vector>

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kAda = 1;
constexpr std::uint64_t kBob = ~std::uint64_t{0};
const TimePoint kStart{1000s};

int taken(ClientAccounts& accounts, std::uint64_t client, int tries) {
  int taken = 0;
  for (int i = 0; i < tries; ++i) taken += accounts.take_place(client) ? 1 : 0;
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
  accounts.give_back_place(kAda);
  CHECK(taken(accounts, kAda, 2) == 1);
}

TEST_CASE("client accounts: without a limit nothing is kept") {
  ClientAccounts accounts({});
  CHECK(taken(accounts, kAda, 1000) == 1000);
  CHECK(charged(accounts, kAda, 1000, kStart) == 1000);
  CHECK(accounts.size() == 0);
}

TEST_CASE("client accounts: who holds nothing any more is forgotten") {
  ClientAccounts accounts({.places = 3});
  for (std::uint64_t client = 0; client < 1000; ++client) {
    REQUIRE(accounts.take_place(client << 32));
    REQUIRE(accounts.take_place(client << 32));
  }
  CHECK(accounts.size() == 1000);
  for (std::uint64_t client = 0; client < 1000; ++client) accounts.give_back_place(client << 32);
  CHECK(accounts.size() == 1000);
  for (std::uint64_t client = 0; client < 1000; ++client) accounts.give_back_place(client << 32);
  CHECK(accounts.size() == 0);
}

TEST_CASE("client accounts: a second's requests at once, and then as many as a second brings") {
  ClientAccounts accounts({.per_second = 10});
  CHECK(charged(accounts, kAda, 50, kStart) == 10);
  CHECK(charged(accounts, kBob, 5, kStart) == 5);
  CHECK(charged(accounts, kAda, 50, kStart + 99ms) == 0);
  CHECK(charged(accounts, kAda, 50, kStart + 301ms) == 3);
  CHECK(charged(accounts, kAda, 50, kStart + 1h) == 10);
  CHECK(charged(accounts, kAda, 50, kStart) == 0);  // Clocks of two threads may differ a little.
}

TEST_CASE("client accounts: a place kept does not keep the rate from being counted") {
  ClientAccounts accounts({.places = 1, .per_second = 2});
  REQUIRE(accounts.take_place(kAda));
  CHECK(charged(accounts, kAda, 5, kStart) == 2);
  accounts.give_back_place(kAda);
  CHECK(charged(accounts, kAda, 5, kStart) == 0);
}

TEST_CASE("client accounts: a crowd of addresses is forgotten once it is idle") {
  ClientAccounts accounts({.per_second = 10});
  for (std::uint64_t client = 0; client < 100'000; ++client) {
    REQUIRE(accounts.charge(client, kStart + std::chrono::milliseconds(client)));
  }
  // One request each is made up for in 100 ms; what is swept late is at most as much again.
  CHECK(accounts.size() <= 2048);
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
  for (int i = 0; i < 100; ++i) accounts.give_back_place(kAda);
  CHECK(accounts.size() == 0);
}

}  // namespace bide
