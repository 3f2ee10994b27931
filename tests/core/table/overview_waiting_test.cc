// Waiters on statistics and pages: ticks, deadlines, limits, draining.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "core/table/overview.h"
#include "tests/core/table/overview_fixture.h"
#include "tests/eventually.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::eventually;
using testing::happened;
using testing::OverviewFixture;
using testing::statistics_json;

const Statistics kStatistics;

// The statistics change at `revision`, and a waiter is answered at a tick now. Later waiters wait
// for the interval.
std::shared_ptr<const Snapshot> tick(OverviewFixture& f, Revision revision) {
  f.clock.advance(250ms);
  TestWaiter waiter;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), waiter) == Parked::kParked);
  f.apply(defined("tick-" + std::to_string(revision), revision));
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  REQUIRE(answer->outcome == Outcome::kChanged);
  return answer->snapshot;
}

TEST_CASE("overview: a change answers who waits for the statistics, and for each page, once") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  TestWaiter statistics, all, failed;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), statistics) == Parked::kParked);
  REQUIRE(f.park_after(PageQuery{{}, 10, 0}, *f.page(PageQuery{{}, 10, 0}), all) ==
          Parked::kParked);
  REQUIRE(f.park_after(PageQuery{Status::kFailed, 10, 0},
                       *f.page(PageQuery{Status::kFailed, 10, 0}), failed) == Parked::kParked);
  CHECK(f.table->parked() == 3);
  f.apply(happened("a", 2, EventKind::kStarted, "x"));
  for (TestWaiter* waiter : {&statistics, &all, &failed}) {
    const auto answer = waiter->wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kChanged);
    CHECK(answer->snapshot->json.bytes.find("\"processing\":1") != std::string::npos);
  }
  CHECK(f.table->parked() == 0);
}

TEST_CASE("overview: a change that does not show on the page does not answer") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  f.apply(happened("a", 2, EventKind::kAcknowledged, "x"));
  TestWaiter statistics, page;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), statistics) == Parked::kParked);
  REQUIRE(f.park_after(PageQuery{{}, 1, 0}, *f.page(PageQuery{{}, 1, 0}), page) == Parked::kParked);
  f.apply(happened("a", 3, EventKind::kStarted, "x"));
  REQUIRE(page.wait_answer());
  CHECK_FALSE(statistics.answered());
  CHECK(f.table->parked() == 1);
  f.clock.advance(250ms);
  f.apply(happened("a", 4, EventKind::kCompleted, "x"));
  const auto answer = statistics.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->json.tag.revision == 4);
}

TEST_CASE("overview: a busy queue answers once an interval, with the state as it is then") {
  OverviewFixture f;
  const auto seen = tick(f, 1);
  TestWaiter waiter;
  REQUIRE(f.park_after(kStatistics, *seen, waiter) == Parked::kParked);
  f.apply(defined("a", 2));
  f.clock.advance(249ms);
  f.apply(defined("b", 3));
  CHECK_FALSE(waiter.answered());
  f.clock.advance(1ms);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->json.bytes == statistics_json({3, 0, 0, 0, 0, 0}));
}

TEST_CASE("overview: who comes back at once with each answer's tag waits, whatever others ask") {
  OverviewFixture f;
  auto seen = tick(f, 1);
  Revision revision = 1;
  std::deque<TestWaiter> waiters;
  for (int i = 0; i < 20; ++i) {
    // Other clients come with a tag of last week, or of just now.
    f.apply(defined("a" + std::to_string(i), ++revision));
    TestWaiter stranger, looker;
    CHECK(f.park(kStatistics, stranger) == Parked::kReady);
    const auto looked = f.statistics();
    f.apply(defined("b" + std::to_string(i), ++revision));
    REQUIRE(f.park_after(kStatistics, *looked, looker) == Parked::kParked);
    waiters.emplace_back();
    REQUIRE(f.park_after(kStatistics, *seen, waiters.back()) == Parked::kParked);
    CHECK_FALSE(waiters.back().answered());
    f.clock.advance(250ms);
    const auto answer = waiters.back().wait_answer();
    REQUIRE(answer);
    REQUIRE(looker.wait_answer());
    seen = answer->snapshot;
    CHECK(seen->json.tag.revision == revision);
  }
}

TEST_CASE("overview: who is answered without parking waits the next time") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  TestWaiter first, second;
  Look look;
  REQUIRE(f.table->park(kStatistics, first, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(look.verdict == Verdict::kHolds);
  REQUIRE(look.snapshot != nullptr);
  tick(f, 2);
  f.apply(defined("b", 3));
  REQUIRE(f.park(kStatistics, first) == Parked::kReady);
  f.apply(defined("c", 4));
  CHECK(f.park_after(kStatistics, *f.statistics(), second) == Parked::kParked);
  f.apply(defined("d", 5));
  CHECK_FALSE(second.answered());
  f.clock.advance(250ms);
  CHECK(second.wait_answer());
}

TEST_CASE("overview: who has seen more than the last tick is not answered with that") {
  OverviewFixture f;
  tick(f, 1);
  TestWaiter keeps_the_page, newer;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), keeps_the_page) == Parked::kParked);
  f.apply(defined("a", 2));
  const auto looked = f.statistics();
  CHECK(looked->json.bytes == statistics_json({2, 0, 0, 0, 0, 0}));
  REQUIRE(f.park_after(kStatistics, *looked, newer) == Parked::kParked);
  f.clock.advance(250ms);
  REQUIRE(keeps_the_page.wait_answer());
  CHECK(f.table->parked() == 1);
  SUBCASE("and is answered by the next change") {
    f.apply(defined("b", 3));
    f.clock.advance(250ms);
    const auto answer = newer.wait_answer();
    REQUIRE(answer);
    CHECK(answer->snapshot->json.tag.revision == 3);
  }
  SUBCASE("and waits for it to the end") {
    f.table->drain();
    CHECK(newer.wait_answer()->snapshot->json.bytes == looked->json.bytes);
  }
}

TEST_CASE("overview: a change between looking and parking is not missed") {
  OverviewFixture f;
  tick(f, 1);
  const auto looked = f.statistics();
  f.apply(defined("a", 2));
  TestWaiter waiter;
  REQUIRE(f.park_after(kStatistics, *looked, waiter) == Parked::kParked);
  f.clock.advance(250ms);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->json.tag.revision == 2);
}

TEST_CASE("overview: a tag of long ago is answered at once") {
  OverviewFixture f;
  const auto old = tick(f, 1);
  const auto other = tick(f, 2);
  TestWaiter waiter;
  Look look;
  waiter.terms.seen = *ValidatorList::parse(old->json.etag());
  CHECK(f.table->park(kStatistics, waiter, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(look.snapshot->json.bytes == other->json.bytes);
}

TEST_CASE("overview: `*` matches whatever will be, so it is not parked") {
  OverviewFixture f;
  TestWaiter waiter;
  waiter.terms.seen = *ValidatorList::parse("*");
  Look look;
  CHECK(f.table->park(kStatistics, waiter, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(look.verdict == Verdict::kNever);
}

TEST_CASE("overview: the deadline answers with the state as it is") {
  OverviewFixture f;
  const auto seen = tick(f, 1);
  TestWaiter waiter({}, f.clock.now() + 100ms);
  REQUIRE(f.park_after(kStatistics, *seen, waiter) == Parked::kParked);
  SUBCASE("unchanged") { f.clock.advance(100ms); }
  SUBCASE("changed, but not ticked") {
    f.apply(defined("a", 2));
    f.clock.advance(100ms);
  }
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kTimeout);
  CHECK(answer->snapshot->json.bytes == f.statistics()->json.bytes);
  CHECK(f.table->parked() == 0);
}

TEST_CASE("overview: a change before the deadline beats the deadline") {
  OverviewFixture f;
  const auto seen = tick(f, 1);
  TestWaiter waiter({}, f.clock.now() + 1s);
  REQUIRE(f.park_after(kStatistics, *seen, waiter) == Parked::kParked);
  f.apply(defined("a", 2));
  f.clock.advance(2s);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kChanged);
}

TEST_CASE("overview: another epoch is a change, even of what looks alike") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  TestWaiter waiter;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), waiter) == Parked::kParked);
  f.install({defined("a", 1)}, OverviewFixture::kEpoch + 1);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kChanged);
  CHECK(answer->snapshot->json.tag.epoch == OverviewFixture::kEpoch + 1);
}

TEST_CASE("overview: reading the same afresh answers nobody") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  TestWaiter waiter;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), waiter) == Parked::kParked);
  f.install({defined("a", 1)}, OverviewFixture::kEpoch);
  f.apply(defined("b", 2));
  f.clock.advance(250ms);  // Installing causes a tick.
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->json.tag.revision == 2);
}

TEST_CASE("overview: draining answers everybody with the state as it is, and parks no more") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  std::deque<TestWaiter> waiters(300);
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    const Target key = i % 2 == 0 ? Target(kStatistics) : Target(PageQuery{{}, 10, i % 50});
    REQUIRE(f.park_after(key, *f.page(key), waiters[i]) == Parked::kParked);
  }
  f.table->drain();
  for (TestWaiter& waiter : waiters) {
    REQUIRE(waiter.answered());
    const auto answer = waiter.wait_answer();
    CHECK(answer->outcome == Outcome::kDrain);
    CHECK(waiter.terms.seen.matches_content(answer->snapshot->json.tag));
  }
  TestWaiter late;
  CHECK(f.park_after(kStatistics, *f.statistics(), late) == Parked::kDraining);
  CHECK(f.table->parked() == 0);
}

TEST_CASE("overview: requests parked on it and on jobs share parked_max") {
  OverviewFixture f(JobTable::Options{.parked_max = 2});
  f.apply(defined("a", 1));
  TestWaiter job(Condition::done()), statistics, page, feed;
  Look look;
  REQUIRE(f.table->park("a", job, 0, f.clock.now(), look) == Parked::kParked);
  REQUIRE(f.park_after(kStatistics, *f.statistics(), statistics) == Parked::kParked);
  CHECK(f.park_after(PageQuery{{}, 1, 0}, *f.page(PageQuery{{}, 1, 0}), page) == Parked::kFull);
  feed.terms.seen = *ValidatorList::parse('"' + opaque_tag(f.overview().feed_position()) + '"');
  CHECK(f.park(Feed(), feed) == Parked::kFull);
  CHECK(f.table->parked() == 2);
  REQUIRE(statistics.try_claim());
  f.overview().unpark(statistics);
  f.overview().unpark(statistics);
  CHECK(f.park(Feed(), feed) == Parked::kParked);
  CHECK(f.table->parked() == 2);
  f.table->drain();
}

TEST_CASE("overview: one client waits for 32 pages, whatever it asks for, and others for theirs") {
  OverviewFixture f;
  std::deque<TestWaiter> waiters(HeldPages::kPagesPerClient);
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    waiters[i].of_client = 1;
    const Target key = PageQuery{{}, 10, i};
    TestWaiter passing;  // Answered at once: the page is remembered for a while.
    REQUIRE(f.park(PageQuery{{}, 20, i}, passing) == Parked::kReady);
    REQUIRE(f.park_after(key, *f.page(key), waiters[i]) == Parked::kParked);
  }
  TestWaiter one_more, same, statistics, other, unjudged;
  one_more.of_client = same.of_client = statistics.of_client = unjudged.of_client = 1;
  const Target new_key = PageQuery{{}, 10, 400};
  CHECK(f.park_after(new_key, *f.page(new_key), one_more) == Parked::kTooMany);
  CHECK(f.park_after(new_key, *f.page(new_key), other) == Parked::kParked);
  CHECK(f.park_after(new_key, *f.page(new_key), unjudged) == Parked::kTooMany);
  CHECK(f.park_after(kStatistics, *f.statistics(), statistics) == Parked::kParked);
  CHECK(f.park_after(PageQuery{{}, 10, 7}, *f.page(PageQuery{{}, 10, 7}), same) == Parked::kParked);
  CHECK(f.table->parked() == waiters.size() + 3);
  REQUIRE(waiters[3].try_claim());
  f.overview().unpark(waiters[3]);
  REQUIRE(waiters[7].try_claim());
  f.overview().unpark(waiters[7]);  // `same` still holds that.
  CHECK(f.park_after(new_key, *f.page(new_key), one_more) == Parked::kParked);
  CHECK(f.park_after(PageQuery{{}, 10, 500}, *f.page(new_key), unjudged) == Parked::kTooMany);
  f.table->drain();
}

TEST_CASE("overview: where all pages are taken, who has the most of them makes room for others") {
  OverviewFixture f;
  constexpr std::size_t kClients = HeldPages::kPagesMax / HeldPages::kPagesPerClient;
  std::deque<TestWaiter> waiters(HeldPages::kPagesMax);
  const auto park = [&](std::size_t page, std::uint64_t client, TestWaiter& waiter) {
    const Target key = PageQuery{{}, 10, page};
    waiter.of_client = client;
    return f.park_after(key, *f.page(key), waiter);
  };
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    REQUIRE(park(i, i % kClients, waiters[i]) == Parked::kParked);
  }
  std::deque<TestWaiter> modest(100);
  for (std::size_t i = 0; i < modest.size(); ++i) {
    REQUIRE(park(5000 + i, 1000 + i, modest[i]) == Parked::kParked);
    // All are answered in the end: the page is a client's own again.
    REQUIRE(eventually([&] { return f.table->parked() == waiters.size(); }));
  }
  std::size_t shed = 0;
  for (TestWaiter& waiter : waiters) {
    if (!waiter.answered()) continue;
    const auto answer = waiter.wait_answer();
    CHECK(answer->outcome == Outcome::kShed);
    CHECK(answer->snapshot != nullptr);
    ++shed;
  }
  CHECK(shed == modest.size());
  for (TestWaiter& waiter : modest) CHECK_FALSE(waiter.answered());
  TestWaiter statistics;
  CHECK(f.park_after(kStatistics, *f.statistics(), statistics) == Parked::kParked);
  f.table->drain();
}

TEST_CASE("overview: a tick renders so many pages, first those of clients that hold few") {
  OverviewFixture f;
  std::deque<TestWaiter> waiters(20 * HeldPages::kPagesPerClient);
  Revision revision = 0;
  f.apply(defined("a", ++revision));
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    const Target key = PageQuery{{}, 10, i};
    waiters[i].of_client = i / HeldPages::kPagesPerClient;
    REQUIRE(f.park_after(key, *f.page(key), waiters[i]) == Parked::kParked);
  }
  TestWaiter statistics;
  std::deque<TestWaiter> modest(10);
  for (std::size_t i = 0; i < modest.size(); ++i) {
    const Target key = PageQuery{{}, 100, i};
    modest[i].of_client = 1000 + i;
    REQUIRE(f.park_after(key, *f.page(key), modest[i]) == Parked::kParked);
  }
  REQUIRE(f.park_after(kStatistics, *f.statistics(), statistics) == Parked::kParked);
  f.clock.advance(250ms);
  const auto answered = [&] {
    return static_cast<std::size_t>(
        std::count_if(waiters.begin(), waiters.end(), [](auto& one) { return one.answered(); }));
  };
  f.apply(defined("b", ++revision));  // Every page has a new total.
  for (const std::size_t pages : {245, 501, 640}) {
    CHECK(eventually([&] { return answered() == pages; }));
    // They are in the same batch, but behind the others.
    for (TestWaiter& waiter : modest) CHECK(eventually([&] { return waiter.answered(); }));
    CHECK(eventually([&] { return statistics.answered(); }));
    f.clock.advance(250ms);
  }
}

TEST_CASE("overview: who is due within milliseconds of others is answered with them") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  std::deque<TestWaiter> waiters(3);
  const TimePoint due = f.clock.now() + 10s;
  waiters[0].terms.deadline = due;
  waiters[1].terms.deadline = due + 15ms;
  waiters[2].terms.deadline = due + 30ms;
  const Target key = PageQuery();
  for (TestWaiter& waiter : waiters) {
    REQUIRE(f.park_after(key, *f.page(key), waiter) == Parked::kParked);
  }
  f.clock.advance(10s);
  for (const std::size_t i : {0, 1}) {
    const auto answer = waiters[i].wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kTimeout);
  }
  CHECK_FALSE(waiters[2].answered());
  f.table->drain();
}

TEST_CASE("overview: whose client hung up is not answered, nor parked") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  TestWaiter left, stays, gone;
  REQUIRE(f.park_after(kStatistics, *f.statistics(), left) == Parked::kParked);
  REQUIRE(f.park_after(kStatistics, *f.statistics(), stays) == Parked::kParked);
  REQUIRE(left.try_claim());
  f.overview().unpark(left);
  REQUIRE(gone.try_claim());
  CHECK(f.park_after(kStatistics, *f.statistics(), gone) == Parked::kGone);
  f.apply(defined("b", 2));
  REQUIRE(stays.wait_answer());
  CHECK_FALSE(left.answered());
  CHECK(f.table->parked() == 0);
}

}  // namespace
}  // namespace bide
