#include "core/table/job_set.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/core/table/job_set_fixture.h"

namespace bide {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using Fixture = JobSetFixture;

// --- The query and the set's representation ---------------------------------------------------

TEST_CASE("job set: an id named twice counts where it was named first") {
  JobSetQuery query{{"b", "a", "b", "c", "a"}};
  query.collapse();
  CHECK(query.ids == std::vector<JobId>{"b", "a", "c"});
}

TEST_CASE("job set: items are the jobs' own representations, in the order asked") {
  Fixture f;
  f.define("a");
  f.define("b");
  const auto json = [&](const std::string& id) {
    return f.table.look(id, {}, f.clock.now()).snapshot->json.bytes;
  };
  const auto set = f.look(all_of({"b", "a"})).snapshot;
  REQUIRE(set != nullptr);
  CHECK(whole_json(set) == R"({"items":[)" + json("b") + "," + json("a") + "]}");
  CHECK(whole_json(f.look(all_of({"a"})).snapshot) == R"({"items":[)" + json("a") + "]}");
  CHECK(set->text.bytes.empty());
}

TEST_CASE("job set: the tag is of the stream's epoch, the latest revision and all the bytes") {
  Fixture f;
  f.define("a");
  f.define("b");
  f.happen("a", EventKind::kStarted);
  f.define("c");
  const auto set = f.look(all_of({"a", "b"})).snapshot;
  CHECK(set->json.tag == EntityTag{kEpoch, 3, hash_of(whole_json(set))});
  CHECK(set->json.tag != f.look(all_of({"b", "a"})).snapshot->json.tag);
}

TEST_CASE("job set: the status is folded from the jobs' as a job's is from its agents'") {
  Fixture f;
  for (const char* id : {"sub", "proc", "comp", "fail", "skip", "part"}) f.define(id);
  f.happen("proc", EventKind::kStarted);
  f.complete("comp");
  f.happen("fail", EventKind::kFailed);
  f.happen("skip", EventKind::kSkipped);
  f.broadcast("part");
  f.happen("part", EventKind::kFailed, "a");
  f.happen("part", EventKind::kCompleted, "b");
  CHECK(f.status(all_of({"sub"})) == Status::kSubmitted);
  CHECK(f.status(all_of({"sub", "comp"})) == Status::kProcessing);
  CHECK(f.status(all_of({"fail", "proc"})) == Status::kProcessing);
  CHECK(f.status(all_of({"fail", "comp"})) == Status::kPartialFailure);
  CHECK(f.status(all_of({"comp", "part"})) == Status::kPartialFailure);
  CHECK(f.status(all_of({"fail", "skip"})) == Status::kFailed);
  CHECK(f.status(all_of({"skip"})) == Status::kSkipped);
  CHECK(f.status(all_of({"skip", "comp"})) == Status::kCompleted);
  CHECK(f.status(all_of({"comp"})) == Status::kCompleted);
  CHECK(f.look(all_of({"comp", "fail"})).snapshot->final);
  CHECK_FALSE(f.look(all_of({"comp", "part"})).snapshot->final);
}

TEST_CASE("job set: where a job does not exist there is no set, and the missing are named") {
  Fixture f;
  f.define("a");
  CHECK(f.look(all_of({"a", "x", "y"})).snapshot == nullptr);
  CHECK(f.sets().missing({"x", "a", "y"}) == std::vector<JobId>{"x", "y"});
  for (const Condition condition : {Condition::change(), Condition::done()}) {
    TestWaiter waiter(condition);
    CHECK(f.park(any_of({"a", "x"}), waiter) == Parked::kReady);
  }
  CHECK(f.table.parked() == 0);
}

// --- Verdicts ---------------------------------------------------------------------------------

TEST_CASE("job set: done of all needs every job, of any one") {
  Fixture f;
  f.define("a");
  f.define("b");
  CHECK(f.verdict(any_of({"a", "b"}), Condition::done()) == Verdict::kPending);
  f.happen("b", EventKind::kFailed);
  CHECK(f.verdict(any_of({"a", "b"}), Condition::done()) == Verdict::kHolds);
  CHECK(f.verdict(all_of({"a", "b"}), Condition::done()) == Verdict::kPending);
  f.complete("a");
  CHECK(f.verdict(all_of({"a", "b"}), Condition::done()) == Verdict::kHolds);
}

TEST_CASE("job set: success of all is impossible once one failed, of any once all have") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  f.happen("a", EventKind::kSkipped);
  const JobSetPtr all = all_of({"a", "b", "c"}), any = any_of({"a", "b", "c"});
  CHECK(f.verdict(all, Condition::succeeded()) == Verdict::kNever);
  CHECK(f.verdict(any, Condition::succeeded()) == Verdict::kPending);
  CHECK(can_never_succeed(*f.look(all).snapshot, false));
  CHECK_FALSE(can_never_succeed(*f.look(any).snapshot, true));
  f.happen("b", EventKind::kFailed);
  f.happen("c", EventKind::kFailed);
  CHECK(f.verdict(any, Condition::succeeded()) == Verdict::kNever);
  CHECK(can_never_succeed(*f.look(any).snapshot, true));
  f.define("d");
  f.complete("d");
  CHECK(f.verdict(any_of({"a", "d"}), Condition::succeeded()) == Verdict::kHolds);
  CHECK(f.verdict(all_of({"d"}), Condition::succeeded()) == Verdict::kHolds);
  CHECK_FALSE(can_never_succeed(*f.look(any_of({"a", "d"})).snapshot, true));
}

TEST_CASE("job set: a change is told by the set's tag, and a final set has none to come") {
  Fixture f;
  f.define("a");
  f.define("b");
  const JobSetPtr key = all_of({"a", "b"});
  Waiter::Terms terms;
  CHECK(f.look(key, terms).verdict == Verdict::kHolds);
  terms.seen = ValidatorList(f.look(key).snapshot->json.tag);
  CHECK(f.look(key, terms).verdict == Verdict::kPending);
  f.complete("a");
  CHECK(f.look(key, terms).verdict == Verdict::kHolds);
  terms.seen = ValidatorList(f.look(key).snapshot->json.tag);
  CHECK(f.look(key, terms).verdict == Verdict::kPending);
  f.complete("b");
  terms.seen = ValidatorList(f.look(key).snapshot->json.tag);
  CHECK(f.look(key, terms).verdict == Verdict::kNever);
  TestWaiter waiter;
  CHECK(f.park_for_change(key, waiter) == Parked::kReady);
}

TEST_CASE("job set: If-None-Match: * matches every state there will be, whatever is asked for") {
  Fixture f;
  f.define("a");
  for (const Condition condition : {Condition::change(), Condition::done()}) {
    TestWaiter waiter(condition);
    waiter.terms.seen = *ValidatorList::parse("*");
    Look look;
    CHECK(f.table.park(all_of({"a"}), waiter, 0, f.clock.now(), look) == Parked::kReady);
    CHECK(look.verdict == Verdict::kNever);
    CHECK(look.snapshot != nullptr);
  }
}

}  // namespace
}  // namespace bide
