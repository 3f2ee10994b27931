#include "core/table/catch_up.h"

#include <doctest/doctest.h>

#include <deque>

#include "core/table/job_table.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/core/table/fake_tail.h"
#include "tests/eventually.h"
#include "tests/fake_clock.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::eventually;
using testing::FakeTail;

constexpr Epoch kEpoch = 42;

// A table that shows a stream up to revision 7, and the stream, which ends there until a test
// changes that.
struct Fixture {
  explicit Fixture(std::size_t parked_max = 100)
      : table(clock, {.parked_max = parked_max}, nullptr), tail(table.position()) {
    read_afresh(kEpoch, 7);
    table.catch_up().start(tail);
  }
  ~Fixture() { table.close(); }

  void read_afresh(Epoch epoch, Revision revision, Link link = 0) {
    BucketRead read(10, link);
    read.reach(revision);
    table.install(std::move(read), epoch, 0s);
  }
  Parked park(TestWaiter& waiter) { return table.catch_up().park(waiter, 0); }
  // Has somebody parked for whom a question is on its way.
  void ask(TestWaiter& waiter) {
    clock.advance(CatchUp::kPace);
    const unsigned reads = tail.reads();
    REQUIRE(park(waiter) == Parked::kParked);
    // A question for somebody else may just have been asked, and the next is not due before kPace.
    REQUIRE(eventually([&] {
      if (tail.reads() > reads) return true;
      clock.advance(CatchUp::kPace);
      return false;
    }));
  }
  // Until what the stream has told so far has been made use of: the next question is under way, and
  // the notifier has looked at all since.
  void settle() {
    TestWaiter next, due({}, clock.now());
    ask(next);
    REQUIRE(park(due) == Parked::kParked);
    REQUIRE(due.wait_answer());
    if (next.try_claim()) return table.catch_up().unpark(next);
    REQUIRE(next.wait_answer());
  }
  // The same; `waiter` must not be ready.
  void hold(TestWaiter& waiter) {
    ask(waiter);
    settle();
    CHECK_FALSE(waiter.answered());
  }

  FakeClock clock;
  JobTable table;
  FakeTail tail;
};

Outcome outcome_of(TestWaiter& waiter) {
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot == nullptr);
  return answer->outcome;
}

EntityTag tag_of(Epoch epoch, Revision revision) { return {epoch, revision, 1}; }

}  // namespace

TEST_CASE("catch up: who parks is ready as soon as the stream says that all is applied") {
  Fixture f;
  TestWaiter waiter;
  REQUIRE(f.park(waiter) == Parked::kParked);
  CHECK(outcome_of(waiter) == Outcome::kChanged);
  CHECK(f.tail.reads() == 1);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("catch up: what the stream holds beyond the table has to be applied first") {
  Fixture f;
  f.tail.ends_at({kEpoch, 9});
  TestWaiter waiter;
  f.hold(waiter);
  REQUIRE(f.table.apply(defined("a", 8)));
  f.settle();
  CHECK_FALSE(waiter.answered());
  CHECK(f.table.parked() == 1);
  REQUIRE(f.table.apply(defined("b", 9)));
  CHECK(outcome_of(waiter) == Outcome::kChanged);
}

TEST_CASE("catch up: what was delivered without effect counts as applied") {
  Fixture f;
  f.tail.ends_at({kEpoch, 9});
  TestWaiter waiter;
  f.hold(waiter);
  f.table.reach(9);
  CHECK(outcome_of(waiter) == Outcome::kChanged);
}

TEST_CASE(
    "catch up: who comes late need not wait for more than those before him, nor they for him") {
  Fixture f;
  TestWaiter first, second;
  f.tail.ends_at({kEpoch, 8});
  f.hold(first);
  f.tail.ends_at({kEpoch, 9});
  f.hold(second);
  f.table.reach(8);
  CHECK(outcome_of(first) == Outcome::kChanged);
  f.settle();
  CHECK_FALSE(second.answered());
  f.table.reach(9);
  CHECK(outcome_of(second) == Outcome::kChanged);
}

TEST_CASE("catch up: a report that was asked for before somebody came is not for him") {
  Fixture f;
  f.tail.hang();
  TestWaiter first, second;
  REQUIRE(f.park(first) == Parked::kParked);
  REQUIRE(eventually([&] { return f.tail.reads() == 1; }));
  REQUIRE(f.park(second) == Parked::kParked);
  f.tail.release();
  CHECK(outcome_of(first) == Outcome::kChanged);
  CHECK_FALSE(second.answered());
  f.clock.advance(CatchUp::kPace);
  CHECK(outcome_of(second) == Outcome::kChanged);
  CHECK(f.tail.reads() == 2);
}

TEST_CASE("catch up: one question is enough for many, and there is a pause before the next") {
  Fixture f;
  f.tail.hang();
  TestWaiter first;
  REQUIRE(f.park(first) == Parked::kParked);
  REQUIRE(eventually([&] { return f.tail.reads() == 1; }));
  std::deque<TestWaiter> many(50);
  for (TestWaiter& waiter : many) REQUIRE(f.park(waiter) == Parked::kParked);
  f.tail.release();
  CHECK(outcome_of(first) == Outcome::kChanged);
  f.clock.advance(CatchUp::kPace - 1ns);
  CHECK(f.tail.reads() == 1);
  f.clock.advance(1ns);
  for (TestWaiter& waiter : many) CHECK(outcome_of(waiter) == Outcome::kChanged);
  CHECK(f.tail.reads() == 2);
}

TEST_CASE("catch up: a question without an answer holds no deadline up, and is asked again") {
  Fixture f;
  f.tail.hang();
  TestWaiter short_of_time({}, f.clock.now() + 100ms), patient;
  REQUIRE(f.park(short_of_time) == Parked::kParked);
  REQUIRE(f.park(patient) == Parked::kParked);
  REQUIRE(eventually([&] { return f.tail.reads() == 1; }));
  f.clock.advance(100ms);
  CHECK(outcome_of(short_of_time) == Outcome::kTimeout);
  f.tail.fail();
  f.tail.release();
  REQUIRE(eventually([&] { return f.tail.reads() == 2; }));
  CHECK_FALSE(patient.answered());
  f.tail.ends_at({kEpoch, 7});
  f.clock.advance(CatchUp::kPace);
  CHECK(outcome_of(patient) == Outcome::kChanged);
}

TEST_CASE("catch up: a stream that ends before what was applied has to be read afresh") {
  Fixture f;
  f.tail.ends_at({kEpoch, 5});
  TestWaiter waiter;
  f.hold(waiter);
  CHECK(f.tail.doubts() > 0);
  f.table.reach(8);
  f.settle();
  CHECK_FALSE(waiter.answered());
  f.read_afresh(kEpoch, 5);
  CHECK(outcome_of(waiter) == Outcome::kChanged);
}

TEST_CASE("catch up: a server that is behind the one that delivers says that the table is ahead") {
  Fixture f;
  f.tail.may_lag();
  f.tail.ends_at({kEpoch, 5});
  TestWaiter waiter;
  f.ask(waiter);
  CHECK(outcome_of(waiter) == Outcome::kChanged);
  CHECK(f.tail.doubts() > 0);
  // Not if it reports another stream.
  for (const Epoch epoch : {kEpoch - 1, kEpoch + 1}) {
    f.tail.ends_at({epoch, 5});
    TestWaiter other;
    f.hold(other);
    f.table.catch_up().unpark(other);
  }
}

TEST_CASE("catch up: a tag beyond the end that a server reports which may be behind") {
  Fixture f;
  f.tail.may_lag();
  f.tail.ends_at({kEpoch, 8});
  f.table.reach(8);
  TestWaiter seen, unseen;
  seen.terms.seen = ValidatorList(tag_of(kEpoch, 9));
  REQUIRE(f.park(seen) == Parked::kParked);
  f.ask(unseen);
  CHECK(outcome_of(unseen) == Outcome::kChanged);
  f.settle();
  CHECK_FALSE(seen.answered());
  SUBCASE("is that of an entry to come") {
    f.tail.ends_at({kEpoch, 9});
    f.settle();
    CHECK_FALSE(seen.answered());
    f.table.reach(9);
  }
  SUBCASE("is foreign after a second") {
    f.clock.advance(CatchUp::kLagMax);
    f.settle();
  }
  CHECK(outcome_of(seen) == Outcome::kChanged);
}

TEST_CASE("catch up: a stream created anew has to be read, whichever of its times is later") {
  for (const Epoch epoch : {kEpoch - 1, kEpoch + 1}) {
    Fixture f;
    f.tail.ends_at({epoch, 2});
    TestWaiter waiter;
    f.hold(waiter);
    CHECK(f.tail.doubts() > 0);
    f.table.reach(8);
    f.settle();
    CHECK_FALSE(waiter.answered());
    f.read_afresh(epoch, 1);
    f.settle();
    CHECK_FALSE(waiter.answered());
    f.table.reach(2);
    CHECK(outcome_of(waiter) == Outcome::kChanged);
  }
}

// The store may have been rolled back to before a purge, which has no revision. Then the jobs that
// the table lost by the purge exist again.
TEST_CASE("catch up: a stream behind another connection has to be read, wherever it ends") {
  for (const Revision end : {5, 7, 9}) {
    Fixture f;
    f.tail.reconnect();
    f.tail.ends_at({kEpoch, end});
    TestWaiter waiter;
    f.hold(waiter);
    CHECK(f.tail.doubts() > 0);
    f.table.reach(9);
    f.settle();
    CHECK_FALSE(waiter.answered());
    f.read_afresh(kEpoch, end, 1);
    CHECK(outcome_of(waiter) == Outcome::kChanged);
  }
}

TEST_CASE("catch up: a read that was begun before the stream was another one does not count") {
  Fixture f;
  f.tail.reconnect();
  f.tail.ends_at({kEpoch, 7});
  TestWaiter waiter;
  f.hold(waiter);
  f.read_afresh(kEpoch, 7);
  f.settle();
  CHECK_FALSE(waiter.answered());
  f.read_afresh(kEpoch, 7, 1);
  CHECK(outcome_of(waiter) == Outcome::kChanged);
}

TEST_CASE("catch up: a client that hangs up is taken out, asked for or not") {
  Fixture f;
  f.tail.ends_at({kEpoch, 9});
  TestWaiter told, asked, stays;
  f.hold(told);
  f.tail.hang();
  f.ask(asked);
  REQUIRE(f.park(stays) == Parked::kParked);
  for (TestWaiter* waiter : {&told, &asked}) {
    REQUIRE(waiter->try_claim());
    f.table.catch_up().unpark(*waiter);
  }
  CHECK(f.table.parked() == 1);
  f.tail.release();
  f.table.reach(9);
  f.clock.advance(CatchUp::kPace);
  CHECK(outcome_of(stays) == Outcome::kChanged);
  CHECK_FALSE(told.answered());
  CHECK_FALSE(asked.answered());
  TestWaiter gone;
  REQUIRE(gone.try_claim());
  CHECK(f.park(gone) == Parked::kGone);
}

TEST_CASE("catch up: those who are held take places as all who are parked") {
  Fixture f(1);
  f.tail.ends_at({kEpoch, 9});
  TestWaiter first, second, third;
  f.ask(first);
  CHECK(f.park(second) == Parked::kFull);
  f.table.reach(9);
  CHECK(outcome_of(first) == Outcome::kChanged);
  REQUIRE(f.park(third) == Parked::kParked);
  f.clock.advance(CatchUp::kPace);
  CHECK(outcome_of(third) == Outcome::kChanged);
}

TEST_CASE("catch up: draining answers all, whether or not the stream does") {
  Fixture f;
  f.tail.hang();
  TestWaiter waiter, late;
  f.ask(waiter);
  f.table.drain();
  CHECK(outcome_of(waiter) == Outcome::kDrain);
  CHECK(f.park(late) == Parked::kDraining);
  f.tail.release();
}

TEST_CASE("catch up: before there is anybody to ask nothing is parked") {
  FakeClock clock;
  JobTable table(clock, {}, nullptr);
  TestWaiter waiter;
  CHECK(table.catch_up().park(waiter, 0) == Parked::kDraining);
}

TEST_CASE("catch up: a tag is behind by its epoch first, and then by its revision") {
  Fixture f;
  const CatchUp& catch_up = f.table.catch_up();
  CHECK(catch_up.behind(tag_of(kEpoch, 8)));
  CHECK(catch_up.behind(tag_of(kEpoch + 1, 1)));
  CHECK_FALSE(catch_up.behind(tag_of(kEpoch, 7)));
  CHECK_FALSE(catch_up.behind(tag_of(kEpoch - 1, UINT64_MAX)));
  CHECK_FALSE(catch_up.behind(ValidatorList()));
  CHECK_FALSE(catch_up.behind(*ValidatorList::parse("*")));
  REQUIRE(f.table.apply(defined("a", 8)));
  CHECK_FALSE(catch_up.behind(tag_of(kEpoch, 8)));
}

TEST_CASE("catch up: of a list the tags that are still later are forgotten, and only these") {
  Fixture f;
  const std::string known = '"' + opaque_tag(tag_of(kEpoch, 7)) + '"';
  const std::string foreign = '"' + opaque_tag(tag_of(kEpoch, UINT64_MAX)) + '"';
  auto seen = ValidatorList::parse(known + ", " + foreign);
  REQUIRE(seen);
  CHECK(f.table.catch_up().behind(*seen));
  f.table.catch_up().forget_foreign(*seen);
  CHECK_FALSE(f.table.catch_up().behind(*seen));
  CHECK(seen->matches(tag_of(kEpoch, 7)));
  CHECK_FALSE(seen->matches(tag_of(kEpoch, UINT64_MAX)));
}

}  // namespace bide
