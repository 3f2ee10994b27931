#include "server/nats/ledger.h"

#include <doctest/doctest.h>

#include <utility>

namespace bide {
namespace {

using namespace std::chrono_literals;
using Finding = Ledger::Finding;

const WallTime kNow{1'000'000s};

BucketState state(Revision last_seq, std::uint64_t entries) {
  BucketState bucket;
  bucket.epoch = 7;
  bucket.last_seq = last_seq;
  bucket.entries = entries;
  bucket.first_time = kNow - 100s;
  return bucket;
}

BucketState expiring(BucketState bucket, std::chrono::seconds max_age) {
  bucket.max_age = max_age;
  return bucket;
}

TEST_CASE("ledger: what was delivered, and what the full read cannot deliver any more, agrees") {
  Ledger ledger(state(10, 3));
  CHECK(ledger.compare(state(10, 3), kNow) == Finding::kAgrees);
  ledger.deliver(12, kNow);
  ledger.deliver(11, kNow);
  CHECK(ledger.delivered() == 12);
  CHECK(ledger.compare(state(12, 4), kNow) == Finding::kAgrees);
}

TEST_CASE("ledger: newer entries in the stream are behind") {
  Ledger ledger(state(10, 3));
  CHECK(ledger.compare(state(11, 4), kNow) == Finding::kBehind);
  ledger.deliver(11, kNow);
  CHECK(ledger.compare(state(11, 4), kNow) == Finding::kAgrees);
}

TEST_CASE("ledger: another creation time is another bucket, whatever its sequence") {
  Ledger ledger(state(10, 3));
  BucketState other = state(10, 3);
  other.epoch = 8;
  CHECK(ledger.compare(other, kNow) == Finding::kRecreated);
}

TEST_CASE("ledger: other rules for what is kept are another configuration") {
  const BucketState before = state(10, 3);
  CHECK(Ledger(before).compare(expiring(before, 60s), kNow) == Finding::kConfigured);
  BucketState other = before;
  other.keeps_history = true;
  CHECK(Ledger(before).compare(other, kNow) == Finding::kConfigured);
  other = before;
  other.has_other_subjects = true;
  CHECK(Ledger(before).compare(other, kNow) == Finding::kConfigured);
  other = before;
  other.discards_old = true;
  CHECK(Ledger(before).compare(other, kNow) == Finding::kConfigured);
  other = before;
  other.allows_rollup = true;
  CHECK(Ledger(before).compare(other, kNow) == Finding::kConfigured);
}

TEST_CASE("ledger: what was written since the start and not delivered is a gap") {
  Ledger ledger(state(10, 3));
  ledger.deliver(4, kNow);
  ledger.deliver(9, kNow);
  ledger.deliver(11, kNow);
  ledger.pass(11);
  CHECK_FALSE(ledger.has_gap());
  SUBCASE("before another entry") { ledger.deliver(13, kNow); }
  SUBCASE("at the end") { ledger.pass(12); }
  CHECK(ledger.has_gap());
}

TEST_CASE("ledger: with history, what is left out may belong to other subjects") {
  BucketState shared = state(10, 3);
  shared.has_other_subjects = true;
  shared.keeps_history = true;
  Ledger ledger(shared);
  ledger.deliver(13, kNow);
  ledger.pass(15);
  CHECK(ledger.delivered() == 15);
  CHECK_FALSE(ledger.has_gap());
}

TEST_CASE("ledger: a sequence that went backwards is a store rolled back") {
  Ledger ledger(state(10, 3));
  ledger.deliver(12, kNow);
  CHECK(ledger.compare(state(11, 3), kNow) == Finding::kRolledBack);
}

TEST_CASE("ledger: fewer entries than before are a purge") {
  Ledger ledger(state(10, 3));
  CHECK(ledger.compare(state(10, 2), kNow) == Finding::kShrunk);
  CHECK(ledger.compare(state(10, 2), kNow) == Finding::kAgrees);
}

// It may have been a rollup, which takes others out and is an entry itself.
TEST_CASE("ledger: what is on its way may tell why there are fewer entries") {
  Ledger ledger(state(10, 3));
  CHECK(ledger.compare(state(12, 1), kNow) == Finding::kBehind);
  CHECK_FALSE(ledger.has_shrunk());
  ledger.deliver(11, kNow);
  CHECK_FALSE(ledger.has_shrunk());
  SUBCASE("and does") {
    ledger.forget_count();
    ledger.deliver(12, kNow);
    CHECK_FALSE(ledger.has_shrunk());
    CHECK(ledger.compare(state(12, 1), kNow) == Finding::kAgrees);
    CHECK(ledger.compare(state(12, 0), kNow) == Finding::kShrunk);
  }
  SUBCASE("and does not") {
    ledger.forget_count_if_history();  // There is none.
    ledger.deliver(12, kNow);
    CHECK(ledger.has_shrunk());
  }
}

TEST_CASE("ledger: a full bucket may push out many for one") {
  BucketState before = state(10, 3);
  before.discards_old = true;
  before.first_seq = 8;
  Ledger ledger(before);
  BucketState after = before;
  after.entries = 1;
  CHECK(Ledger(before).compare(after, kNow) == Finding::kShrunk);
  after.first_seq = 10;
  CHECK(ledger.compare(after, kNow) == Finding::kAgrees);
}

TEST_CASE("ledger: a gap before which nothing is left does not matter") {
  Ledger ledger(state(10, 3));
  ledger.deliver(12, kNow);
  ledger.deliver(14, kNow);
  ledger.let_go(13);
  CHECK(ledger.has_gap());
  ledger.let_go(14);
  CHECK_FALSE(ledger.has_gap());
}

TEST_CASE("ledger: entries that may have expired are no purge, younger ones are") {
  const BucketState before = expiring(state(10, 3), 60s);
  const BucketState after = expiring(state(10, 2), 60s);
  CHECK(Ledger(before).compare(after, kNow) == Finding::kAgrees);
  // The oldest is 100 s old, and the servers' clock may be 5 s ahead.
  for (const auto& [max_age, finding] :
       {std::pair(105s, Finding::kAgrees), std::pair(106s, Finding::kShrunk)}) {
    CHECK(Ledger(expiring(before, max_age)).compare(expiring(after, max_age), kNow) == finding);
  }
}

TEST_CASE("ledger: an empty stream whose newest entry cannot have expired is a purge") {
  const BucketState before = expiring(state(10, 3), 60s);
  const BucketState after = expiring(state(11, 0), 60s);
  Ledger purged(before);
  purged.deliver(11, kNow - 10s);
  CHECK(purged.compare(after, kNow) == Finding::kShrunk);
  Ledger expired(before);
  expired.deliver(11, kNow - 61s);
  CHECK(expired.compare(after, kNow) == Finding::kAgrees);
}

}  // namespace
}  // namespace bide
