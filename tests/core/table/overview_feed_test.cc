// The feed of all jobs that change.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "core/table/overview.h"
#include "tests/core/table/overview_fixture.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::deleted;
using testing::happened;
using testing::OverviewFixture;
using testing::progressed;

constexpr Epoch kEpoch = OverviewFixture::kEpoch;
constexpr std::size_t kAny = SIZE_MAX;

std::string told(const Overview::Snapshots& batch) {
  std::string text;
  for (const auto& snapshot : batch) {
    text += snapshot->job_id + '@' + std::to_string(snapshot->json.tag.revision) + ' ';
  }
  return text;
}

std::string told_after(OverviewFixture& f, Revision revision, std::size_t jobs_max = kAny,
                       std::size_t bytes_max = kAny) {
  return told(f.overview().changes_after({kEpoch, revision, 0}, nullptr, jobs_max, bytes_max).jobs);
}

Parked park_behind(OverviewFixture& f, const EntityTag& cursor, TestWaiter& waiter) {
  waiter.terms.seen = *ValidatorList::parse('"' + opaque_tag(cursor) + '"');
  return f.park(Feed(), waiter);
}

// a@1 b@2 c@3, then b and a change: c@3 b@4 a@5.
void fill(OverviewFixture& f) {
  f.apply(defined("a", 1));
  f.apply(defined("b", 2));
  f.apply(defined("c", 3));
  f.apply(happened("b", 4, EventKind::kStarted, "x"));
  f.apply(happened("a", 5, EventKind::kStarted, "x"));
}

TEST_CASE("feed: each job comes once, as it is now, in the order of its latest change") {
  OverviewFixture f;
  CHECK(told_after(f, 0).empty());
  fill(f);
  CHECK(told_after(f, 0) == "c@3 b@4 a@5 ");
  const auto batch = f.overview().changes_after({kEpoch, 4, 0}, nullptr, kAny, kAny).jobs;
  REQUIRE(batch.size() == 1);
  CHECK(batch.front()->status == Status::kProcessing);
  CHECK_FALSE(batch.front()->collection);
}

TEST_CASE("feed: the last one's tag is where it goes on") {
  OverviewFixture f;
  fill(f);
  CHECK(told_after(f, 0, 2) == "c@3 b@4 ");
  CHECK(told_after(f, 4, 2) == "a@5 ");
  CHECK(told_after(f, 5).empty());
  CHECK(told_after(f, 1000).empty());
  CHECK(told_after(f, 0, 0).empty());
}

TEST_CASE("feed: a batch keeps to its size, but one job always comes") {
  OverviewFixture f;
  fill(f);
  const std::size_t first = f.job_json("c").size();
  CHECK(told_after(f, 0, kAny, 0) == "c@3 ");
  CHECK(told_after(f, 0, kAny, first + f.job_json("b").size()) == "c@3 b@4 ");
  CHECK(told_after(f, 0, kAny, first + f.job_json("b").size() - 1) == "c@3 ");
}

TEST_CASE("feed: a cursor of another epoch is before everything") {
  OverviewFixture f;
  fill(f);
  CHECK(told(f.overview().changes_after({kEpoch + 1, 4, 0}, nullptr, kAny, kAny).jobs) ==
        "c@3 b@4 a@5 ");
}

TEST_CASE("feed: jobs that are gone, or not defined, do not show") {
  OverviewFixture f;
  fill(f);
  f.apply(deleted(defined("b", 2), 6));
  f.apply(happened("ghost", 7, EventKind::kStarted, "x"));
  CHECK(told_after(f, 0) == "c@3 a@5 ");
  f.apply(defined("b", 8));
  CHECK(told_after(f, 5) == "b@8 ");
}

TEST_CASE("feed: its position is behind everything that was told") {
  OverviewFixture f;
  fill(f);
  CHECK(f.overview().feed_position() == EntityTag{kEpoch, 5, 0});
  f.install({defined("a", 1), deleted(defined("b", 1), 9)}, kEpoch + 1);
  CHECK(f.overview().feed_position() == EntityTag{kEpoch + 1, 9, 0});
}

TEST_CASE("feed: who waits is woken by the next change, without waiting for a tick") {
  OverviewFixture f;
  fill(f);
  for (Revision revision = 6; revision < 20; ++revision) {
    TestWaiter waiter;
    REQUIRE(park_behind(f, f.overview().feed_position(), waiter) == Parked::kParked);
    f.apply(happened("a", revision, EventKind::kStarted, "x"));
    const auto answer = waiter.wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kChanged);
    CHECK(answer->snapshot == nullptr);
    CHECK(told_after(f, revision - 1) == "a@" + std::to_string(revision) + ' ');
  }
  CHECK(f.table->parked() == 0);
}

TEST_CASE("feed: who has not seen everything is not parked") {
  OverviewFixture f;
  fill(f);
  TestWaiter behind, foreign, abreast;
  CHECK(park_behind(f, {kEpoch, 4, 0}, behind) == Parked::kReady);
  CHECK(park_behind(f, {kEpoch + 1, 100, 0}, foreign) == Parked::kReady);
  CHECK(f.overview().look_at_feed({}, behind.terms).verdict == Verdict::kHolds);
  CHECK(park_behind(f, {kEpoch, 5, 0}, abreast) == Parked::kParked);
  CHECK(f.overview().look_at_feed({}, abreast.terms).verdict == Verdict::kPending);
  f.table->drain();
}

TEST_CASE("feed: what nobody could be told does not wake") {
  OverviewFixture f;
  fill(f);
  TestWaiter waiter({}, f.clock.now() + 1s);
  REQUIRE(park_behind(f, {kEpoch, 5, 0}, waiter) == Parked::kParked);
  f.apply(happened("ghost", 6, EventKind::kStarted, "x"));
  f.apply(deleted(defined("b", 2), 7));
  f.clock.advance(1s);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kTimeout);
  CHECK(answer->snapshot == nullptr);
}

TEST_CASE("feed: another epoch wakes, and everything comes again") {
  OverviewFixture f;
  fill(f);
  TestWaiter waiter;
  REQUIRE(park_behind(f, {kEpoch, 5, 0}, waiter) == Parked::kParked);
  f.install({defined("a", 1), defined("b", 2)}, kEpoch + 1);
  REQUIRE(waiter.wait_answer());
  const auto batch = f.overview().changes_after({kEpoch, 5, 0}, nullptr, kAny, kAny).jobs;
  CHECK(told(batch) == "a@1 b@2 ");
  CHECK(batch.front()->json.tag.epoch == kEpoch + 1);
}

TEST_CASE("feed: an epoch without jobs has nothing to tell, so it does not wake") {
  OverviewFixture f;
  fill(f);
  TestWaiter waiter;
  REQUIRE(park_behind(f, {kEpoch, 5, 0}, waiter) == Parked::kParked);
  f.install({}, kEpoch + 1);
  CHECK(f.overview().changes_after({kEpoch, 5, 0}, nullptr, kAny, kAny).jobs.empty());
  f.apply(defined("a", 1));
  CHECK(waiter.wait_answer());
}

TEST_CASE("feed: draining answers those who wait, and parks no more") {
  OverviewFixture f;
  fill(f);
  TestWaiter waiter, late;
  REQUIRE(park_behind(f, {kEpoch, 5, 0}, waiter) == Parked::kParked);
  f.table->drain();
  REQUIRE(waiter.answered());
  CHECK(waiter.wait_answer()->outcome == Outcome::kDrain);
  CHECK(park_behind(f, {kEpoch, 5, 0}, late) == Parked::kDraining);
}

TEST_CASE("feed: progress is told once in 250 ms, unless something else is told with it") {
  OverviewFixture f;
  fill(f);
  f.apply(progressed("a", 6, "x", "1"));
  CHECK(told_after(f, 5) == "a@6 ");
  TestWaiter waiter;
  REQUIRE(park_behind(f, {kEpoch, 6, 0}, waiter) == Parked::kParked);
  f.apply(progressed("a", 7, "x", "2"));
  f.apply(progressed("b", 8, "x", "1"));
  f.apply(progressed("a", 9, "x", "3"));
  CHECK(told_after(f, 6).empty());
  // A client that has not seen the other changes gets them at once.
  CHECK(told_after(f, 0) == "c@3 b@8 a@9 ");
  f.clock.advance(249ms);
  TestWaiter late;
  REQUIRE(park_behind(f, {kEpoch, 6, 0}, late) == Parked::kParked);
  CHECK_FALSE(waiter.answered());
  f.clock.advance(1ms);
  CHECK(waiter.wait_answer()->outcome == Outcome::kChanged);
  CHECK(late.wait_answer()->outcome == Outcome::kChanged);
  CHECK(told_after(f, 6) == "b@8 a@9 ");

  f.apply(progressed("a", 10, "x", "4"));
  CHECK(told_after(f, 9).empty());
  f.apply(happened("b", 11, EventKind::kCompleted, "x"));
  CHECK(told_after(f, 9) == "a@10 b@11 ");
}

TEST_CASE("feed: a change that progress follows at once is not told later for that") {
  OverviewFixture f;
  fill(f);
  f.apply(progressed("c", 6, "x", "1"));
  TestWaiter waiter;
  REQUIRE(park_behind(f, {kEpoch, 6, 0}, waiter) == Parked::kParked);
  f.apply(happened("a", 7, EventKind::kCompleted, "x"));
  f.apply(progressed("a", 8, "x", "2"));
  CHECK(waiter.wait_answer()->outcome == Outcome::kChanged);
  CHECK(told_after(f, 6) == "a@8 ");
}

TEST_CASE("feed: progress that waits is not lost when the bucket is read again") {
  OverviewFixture f;
  fill(f);
  f.apply(progressed("a", 6, "x", "1"));
  f.apply(progressed("a", 7, "x", "2"));
  TestWaiter waiter;
  REQUIRE(park_behind(f, {kEpoch, 6, 0}, waiter) == Parked::kParked);
  f.install({defined("a", 1), progressed("a", 7, "x", "2")}, kEpoch);
  CHECK(waiter.wait_answer()->outcome == Outcome::kChanged);
  CHECK(told_after(f, 6) == "a@7 ");
}

TEST_CASE("feed: progress of a label's jobs waits, whatever happens to other jobs") {
  OverviewFixture f;
  const auto of_label = std::make_shared<const Selection>(Selection{{"team=ci"}, {}});
  Definition definition;
  definition.labels = Labels(std::map<std::string, std::string>{{"team", "ci"}});
  f.apply(defined("a", 1, definition));
  f.apply(defined("b", 2));
  const auto told_of_label = [&](Revision from) {
    return told(f.overview().changes_after({kEpoch, from, 0}, of_label.get(), kAny, kAny).jobs);
  };
  f.apply(progressed("a", 3, "x", "1"));
  CHECK(told_of_label(1) == "a@3 ");
  f.apply(happened("b", 4, EventKind::kStarted, "x"));
  f.apply(progressed("a", 5, "x", "2"));
  f.apply(happened("b", 6, EventKind::kCompleted, "x"));
  CHECK(told_of_label(3).empty());
  TestWaiter waiter;
  waiter.selected = of_label;
  waiter.terms.seen = ValidatorList(EntityTag{kEpoch, 3, 0});
  REQUIRE(f.park(Feed{of_label}, waiter) == Parked::kParked);
  f.clock.advance(250ms);
  CHECK(waiter.wait_answer()->outcome == Outcome::kChanged);
  CHECK(told_of_label(3) == "a@5 ");
  f.apply(progressed("a", 8, "x", "3"));
  f.apply(happened("a", 9, EventKind::kCompleted, "x"));
  CHECK(told_of_label(7) == "a@9 ");
}

TEST_CASE("feed: a selection tells the jobs of its labels, and moves its cursor past the others") {
  OverviewFixture f;
  Revision revision = 0;
  const auto define = [&](const std::string& id, const std::map<std::string, std::string>& labels) {
    Definition definition;
    definition.labels = Labels(labels);
    f.apply(defined(id, ++revision, definition));
  };
  const auto both = std::make_shared<const Selection>(Selection{{"arch=arm", "team=ci"}, {}});
  constexpr std::size_t kOthers = 2 * Overview::kChangesWalked;
  for (std::size_t i = 0; i < kOthers; ++i) define("ci" + std::to_string(i), {{"team", "ci"}});
  for (std::size_t i = 0; i < kOthers; ++i) define("arm" + std::to_string(i), {{"arch", "arm"}});
  TestWaiter idle, waiter;
  idle.selected = waiter.selected = both;
  for (TestWaiter* const one : {&idle, &waiter}) {
    one->terms.seen = ValidatorList(EntityTag{kEpoch, revision, 0});
    REQUIRE(f.park(Feed{both}, *one) == Parked::kParked);
  }
  REQUIRE(idle.try_claim());
  f.table->unpark(Feed{both}, idle);
  define("both", {{"team", "ci"}, {"arch", "arm"}});
  f.apply(happened("ci0", ++revision, EventKind::kStarted, "x"));
  REQUIRE(waiter.wait_answer());
  EntityTag cursor{kEpoch, 0, 0};
  std::string text;
  for (int calls = 0; calls < 4 && text.empty(); ++calls) {
    const auto changes = f.overview().changes_after(cursor, both.get(), kAny, kAny);
    CHECK(changes.reached.revision > cursor.revision);
    cursor = changes.reached;
    text = told(changes.jobs);
  }
  CHECK(text == "both@" + std::to_string(2 * kOthers + 1) + ' ');
  waiter.terms.seen = ValidatorList(cursor);
  CHECK(f.overview().look_at_feed({both}, waiter.terms).verdict == Verdict::kPending);
}

}  // namespace
}  // namespace bide
