#include "core/table/selection_group.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "tests/core/table/job_set_fixture.h"

namespace bide {
namespace {

using namespace testing;
using namespace std::chrono_literals;

JobSetPtr of_labels(std::vector<std::string> labels, bool match_any = false) {
  JobSetQuery query;
  query.match_any = match_any;
  query.selection = std::make_shared<const Selection>(Selection{std::move(labels), {}});
  return std::make_shared<const JobSetQuery>(std::move(query));
}

// The settle time of broadcasts, and the interval of ticks, by hand.
struct Fixture : JobSetFixture {
  using JobSetFixture::JobSetFixture;

  void define(const std::string& id, const std::string& release) {
    Definition definition;
    definition.labels = Labels(std::map<std::string, std::string>{{"release", release}});
    apply(defined(id, ++revision, definition));
  }
  Parked park(const JobSetPtr& set, TestWaiter& waiter, std::uint16_t places = 100) {
    waiter.terms.places = places;
    waiter.terms.waits_for_job = true;
    return JobSetFixture::park(set, waiter);
  }
  // The next tick tells that jobs have come or left.
  void tick() { clock.advance(1s); }
};

std::string ids_of(const Answer& answer) {
  REQUIRE(answer.snapshot != nullptr);
  std::string ids;
  for (const auto& item : answer.snapshot->items) ids += item->job_id + ' ';
  return ids;
}

TEST_CASE("selection: done of all is answered by the last job of the labels") {
  Fixture f;
  f.define("a", "42");
  f.define("b", "42");
  f.define("other", "41");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  f.complete("a");
  let_notifier_see(f, "a");
  CHECK_FALSE(waiter.answered());
  f.complete("b");
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kDone);
  CHECK(ids_of(answer) == "b a ");
  CHECK(answer.snapshot->final);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: a job that comes while the request is held is waited for, too") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  f.define("b", "42");  // The request may hear of it at the next tick, or when `a` is done.
  f.complete("a");
  let_notifier_see(f, "a");
  f.tick();
  CHECK_FALSE(waiter.wait_answer(0s));
  f.complete("b");
  CHECK(ids_of(answer_of(waiter)) == "b a ");
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: the first job is waited for, unless a missing one fails") {
  Fixture f;
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  TestWaiter impatient(Condition::done());
  Look look;
  CHECK(f.table.park(of_labels({"release=42"}), impatient, 0, f.clock.now(), look) ==
        Parked::kReady);
  CHECK(look.snapshot == nullptr);
  f.define("other", "41");
  f.define("a", "42");
  f.tick();
  f.complete("a");
  CHECK(ids_of(answer_of(waiter)) == "a ");
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: any of them is enough, also one that came later") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}, true), waiter) == Parked::kParked);
  f.define("b", "42");
  f.complete("b");
  f.tick();
  CHECK(ids_of(answer_of(waiter)) == "b a ");
}

TEST_CASE("selection: a job that is deleted or loses the label is waited for no longer") {
  Fixture f;
  f.define("a", "42");
  f.define("b", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  f.complete("a");
  SUBCASE("deleted") { f.remove("b"); }
  SUBCASE("defined again") { f.define("b", "41"); }
  f.tick();
  CHECK(ids_of(answer_of(waiter)) == "a ");
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: when its last job is deleted it is gone") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  f.remove("a");
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kGone);
  CHECK(answer.snapshot == nullptr);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: success fails with the first job that does") {
  Fixture f;
  f.define("a", "42");
  f.define("b", "42");
  TestWaiter waiter(Condition::succeeded());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  f.happen("b", EventKind::kFailed);
  const Answer answer = answer_of(waiter);
  CHECK(can_never_succeed(*answer.snapshot, false));
}

TEST_CASE("selection: at the deadline it is answered as it is, or without a state if it is empty") {
  Fixture f;
  f.define("a", "42");
  TestWaiter some(Condition::done(), f.clock.now() + 1s),
      none(Condition::done(), f.clock.now() + 1s);
  REQUIRE(f.park(of_labels({"release=42"}), some) == Parked::kParked);
  REQUIRE(f.park(of_labels({"release=43"}), none) == Parked::kParked);
  f.clock.advance(1s);
  const Answer answer = answer_of(some);
  CHECK(answer.outcome == Outcome::kTimeout);
  CHECK(ids_of(answer) == "a ");
  const Answer nothing = answer_of(none);
  CHECK(nothing.outcome == Outcome::kTimeout);
  CHECK(nothing.snapshot == nullptr);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: more jobs than a set may have are none, when they come and later") {
  Fixture f;
  for (std::size_t i = 0; i < kJobSetIdsMax; ++i) f.define("j" + std::to_string(i), "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter, 1000) == Parked::kParked);
  f.define("one-more", "42");
  f.tick();
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kGone);
  CHECK(answer.snapshot == nullptr);
  CHECK_FALSE(f.sets().select(of_labels({"release=42"})->selection).whole);
  TestWaiter next(Condition::done());
  CHECK(f.park(of_labels({"release=42"}), next, 1000) == Parked::kReady);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("selection: jobs that the request has not paid for end its wait") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter, 2) == Parked::kParked);
  f.define("b", "42");
  f.define("c", "42");
  f.tick();
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kShed);
  CHECK(ids_of(answer) == "c b a ");
}

TEST_CASE("selection: a request that hangs up leaves nothing behind") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  CHECK(f.table.parked() > 0);
  REQUIRE(waiter.try_claim());
  f.table.unpark(of_labels({"release=42"}), waiter);
  CHECK(f.table.parked() == 0);
  f.complete("a");
  let_notifier_see(f, "a");
  CHECK_FALSE(waiter.answered());
}

TEST_CASE("selection: a new read of the bucket does not lose the request") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  Definition definition;
  definition.labels = Labels(std::map<std::string, std::string>{{"release", "42"}});
  BucketRead read(100);
  REQUIRE(read.absorb(defined("b", 1, definition)));
  f.revision = 1;
  f.table.install(std::move(read), kEpoch + 1, {});
  f.tick();
  f.complete("b");
  CHECK(ids_of(answer_of(waiter)) == "b ");
}

TEST_CASE("selection: draining answers it with the state that there is") {
  Fixture f;
  f.define("a", "42");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(of_labels({"release=42"}), waiter) == Parked::kParked);
  f.table.drain();
  CHECK(answer_of(waiter).outcome == Outcome::kDrain);
  CHECK(f.table.parked() == 0);
}

}  // namespace
}  // namespace bide
