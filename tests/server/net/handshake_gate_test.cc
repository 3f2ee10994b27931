#include "server/net/handshake_gate.h"

#include <doctest/doctest.h>

#include <vector>

namespace bide {
namespace {

using Verdict = HandshakeGate::Verdict;

constexpr std::uint64_t kAda = 1;
constexpr std::uint64_t kBob = 2;

// All that could go in now, in their order.
std::vector<std::uint64_t> let_in(HandshakeGate& gate, std::uint64_t client) {
  std::vector<std::uint64_t> keys;
  while (const auto key = gate.next()) {
    keys.push_back(*key);
    REQUIRE(gate.enter(client, *key) == Verdict::kIn);
  }
  return keys;
}

}  // namespace

TEST_CASE("handshake gate: one client's wait at its limit, another's go in") {
  HandshakeGate gate({.all = 10, .per_client = 2});
  CHECK(gate.enter(kAda, 1) == Verdict::kIn);
  CHECK(gate.enter(kAda, 2) == Verdict::kIn);
  CHECK(gate.enter(kAda, 3) == Verdict::kWaiting);
  CHECK(gate.enter(kAda, 4) == Verdict::kWaiting);
  CHECK(gate.enter(kBob, 5) == Verdict::kIn);
  CHECK_FALSE(gate.next());
  CHECK_FALSE(gate.is_full());
  gate.leave(kBob);
  CHECK_FALSE(gate.next());
  gate.leave(kAda);
  CHECK(let_in(gate, kAda) == std::vector<std::uint64_t>{3});
  gate.leave(kAda);
  gate.leave(kAda);
  CHECK(let_in(gate, kAda) == std::vector<std::uint64_t>{4});
  gate.leave(kAda);
  CHECK(gate.room() == 10);
}

TEST_CASE("handshake gate: without room, clients take turns") {
  HandshakeGate gate({.all = 2, .per_client = 2});
  REQUIRE(gate.enter(kAda, 1) == Verdict::kIn);
  REQUIRE(gate.enter(kAda, 2) == Verdict::kIn);
  for (std::uint64_t key = 10; key < 20; ++key) {
    REQUIRE(gate.enter(kAda, key) == Verdict::kWaiting);
  }
  REQUIRE(gate.enter(kBob, 20) == Verdict::kWaiting);
  CHECK(gate.is_full());
  CHECK_FALSE(gate.next());
  gate.leave(kAda);
  CHECK(gate.next() == 10);  // Which is closed already.
  CHECK(gate.next() == 20);
  CHECK(gate.enter(kBob, 20) == Verdict::kIn);
  CHECK_FALSE(gate.next());
}

TEST_CASE(
    "handshake gate: one client's waiting handshakes have a limit, and leave nothing behind") {
  HandshakeGate gate({.all = 1, .per_client = 1, .waiting_per_client = 3});
  REQUIRE(gate.enter(kAda, 1) == Verdict::kIn);
  for (std::uint64_t key = 2; key < 5; ++key) CHECK(gate.enter(kAda, key) == Verdict::kWaiting);
  CHECK(gate.enter(kAda, 5) == Verdict::kTooMany);
  CHECK(gate.enter(kBob, 6) == Verdict::kWaiting);
  gate.leave(kAda);
  std::size_t came = 0;
  while (gate.next()) ++came;
  CHECK(came == 4);
  CHECK(gate.room() == 1);
  CHECK_FALSE(gate.is_full());
}

}  // namespace bide
