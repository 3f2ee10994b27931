#include "core/table/job_sets.h"

#include <doctest/doctest.h>

#include <deque>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "tests/core/table/job_set_fixture.h"

namespace bide {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using Fixture = JobSetFixture;

// --- Waiting ----------------------------------------------------------------------------------

TEST_CASE("job sets: a change of any job answers who waits for one, with the set as it is now") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  f.complete("c");
  TestWaiter waiter;
  REQUIRE(f.park_for_change(all_of({"a", "b", "c"}), waiter) == Parked::kParked);
  CHECK(f.table.parked() == 1);
  f.happen("b", EventKind::kStarted);
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kChanged);
  CHECK(answer.snapshot->status == Status::kProcessing);
  CHECK(answer.snapshot->json.tag == f.look(all_of({"a", "b", "c"})).snapshot->json.tag);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("job sets: a late event in the timeline of a final job is a change of the set") {
  Fixture f;
  f.define("a");
  f.define("b");
  f.complete("a");
  TestWaiter waiter;
  REQUIRE(f.park_for_change(all_of({"a", "b"}), waiter) == Parked::kParked);
  f.happen("a", EventKind::kStarted);
  CHECK(answer_of(waiter).outcome == Outcome::kChanged);
}

TEST_CASE("job sets: news that are there already are not waited for") {
  Fixture f;
  f.define("a");
  TestWaiter waiter;
  waiter.terms.seen = ValidatorList(f.look(all_of({"a"})).snapshot->json.tag);
  f.happen("a", EventKind::kStarted);
  Look look;
  CHECK(f.table.park(all_of({"a"}), waiter, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(look.verdict == Verdict::kHolds);
  CHECK(look.snapshot->status == Status::kProcessing);
}

TEST_CASE("job sets: a set that changed into one the client has seen too goes on waiting") {
  Fixture f;
  f.define("a");
  f.define("b");
  const JobSetPtr key = all_of({"a", "b"});
  TestWaiter waiter({}, f.clock.now() + 5s);
  const std::string now = f.look(key).snapshot->json.etag();
  // The next tag, from a table that is ahead.
  Fixture ahead;
  ahead.define("a");
  ahead.define("b");
  ahead.happen("a", EventKind::kStarted);
  waiter.terms.seen = *ValidatorList::parse(now + ", " + ahead.look(key).snapshot->json.etag());
  REQUIRE(f.park(key, waiter) == Parked::kParked);
  f.happen("a", EventKind::kStarted);
  let_notifier_see(f, "a");
  CHECK_FALSE(waiter.answered());
  f.complete("a");
  CHECK(answer_of(waiter).outcome == Outcome::kChanged);
}

TEST_CASE("job sets: done of all is answered by the last job, not by the others or by progress") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  f.complete("c");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(all_of({"a", "b", "c"}), waiter) == Parked::kParked);
  f.happen("a", EventKind::kStarted);
  f.happen("b", EventKind::kFailed);
  let_notifier_see(f, "a");
  CHECK_FALSE(waiter.answered());
  f.complete("a");
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kDone);
  CHECK(answer.snapshot->status == Status::kPartialFailure);
  CHECK(answer.snapshot->final);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("job sets: done of any is answered by the first job") {
  Fixture f;
  f.define("a");
  f.define("b");
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(any_of({"a", "b"}), waiter) == Parked::kParked);
  f.happen("b", EventKind::kFailed);
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kDone);
  CHECK(answer.snapshot->status == Status::kProcessing);
}

TEST_CASE("job sets: success of all is answered by the first failure, or the last success") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  TestWaiter fails(Condition::succeeded()), works(Condition::succeeded());
  REQUIRE(f.park(all_of({"a", "b"}), works) == Parked::kParked);
  REQUIRE(f.park(all_of({"a", "c"}), fails) == Parked::kParked);
  f.happen("c", EventKind::kFailed);
  const Answer failed = answer_of(fails);
  CHECK(failed.outcome == Outcome::kDone);
  CHECK(can_never_succeed(*failed.snapshot, false));
  f.complete("b");
  f.complete("a");
  CHECK(answer_of(works).snapshot->status == Status::kCompleted);
}

TEST_CASE("job sets: success of any is answered by the first success, or the last failure") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  f.happen("c", EventKind::kFailed);
  TestWaiter fails(Condition::succeeded()), works(Condition::succeeded());
  REQUIRE(f.park(any_of({"a", "c"}), fails) == Parked::kParked);
  REQUIRE(f.park(any_of({"a", "b", "c"}), works) == Parked::kParked);
  f.happen("a", EventKind::kFailed);
  const Answer failed = answer_of(fails);
  CHECK(failed.outcome == Outcome::kDone);
  CHECK(can_never_succeed(*failed.snapshot, true));
  CHECK_FALSE(works.answered());
  f.complete("b");
  const Answer worked = answer_of(works);
  CHECK(worked.outcome == Outcome::kDone);
  CHECK_FALSE(can_never_succeed(*worked.snapshot, true));
}

TEST_CASE("job sets: sets that share jobs are answered each by its own") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  TestWaiter ab(Condition::done()), bc(Condition::done());
  REQUIRE(f.park(all_of({"a", "b"}), ab) == Parked::kParked);
  REQUIRE(f.park(all_of({"b", "c"}), bc) == Parked::kParked);
  f.complete("b");
  f.complete("c");
  CHECK(answer_of(bc).outcome == Outcome::kDone);
  CHECK_FALSE(ab.answered());
  f.complete("a");
  CHECK(answer_of(ab).outcome == Outcome::kDone);
}

// --- Settling ---------------------------------------------------------------------------------

TEST_CASE("job sets: a broadcast in the set is waited for until it has settled") {
  Fixture f;
  f.broadcast("all");
  f.define("one");
  TestWaiter waiter(Condition::done(), f.clock.now() + 60s);
  REQUIRE(f.park(all_of({"all", "one"}), waiter) == Parked::kParked);
  f.complete("one");
  f.complete("all");
  f.clock.advance(1999ms);
  let_notifier_see(f, "all");
  CHECK_FALSE(waiter.answered());
  f.clock.advance(1ms);
  CHECK(answer_of(waiter).outcome == Outcome::kDone);
}

TEST_CASE("job sets: an agent that acknowledges late takes a settled job back into the wait") {
  Fixture f;
  f.broadcast("all");
  f.define("one");
  TestWaiter waiter(Condition::done(), f.clock.now() + 600s);
  REQUIRE(f.park(all_of({"all", "one"}), waiter) == Parked::kParked);
  f.complete("all");
  f.clock.advance(3s);  // Settled: counted.
  let_notifier_see(f, "all");
  f.happen("all", EventKind::kAcknowledged, "b");
  let_notifier_see(f, "all");
  f.complete("one");
  let_notifier_see(f, "one");
  f.clock.advance(60s);
  CHECK_FALSE(waiter.answered());
  f.happen("all", EventKind::kCompleted, "b");
  let_notifier_see(f, "all");
  f.clock.advance(1999ms);
  let_notifier_see(f, "all");
  CHECK_FALSE(waiter.answered());
  f.clock.advance(1ms);
  const Answer answer = answer_of(waiter);
  CHECK(answer.outcome == Outcome::kDone);
  CHECK(answer.snapshot->status == Status::kCompleted);
}

TEST_CASE("job sets: the last job does not end the wait when the others have been taken back") {
  // The agent acknowledges in the same instant as the last job completes, in every order in which
  // two notifiers can come to know.
  for (int round = 0; round < 200; ++round) {
    Fixture f(JobTable::Options{.shards = 4});
    f.broadcast("all");
    f.define("one");
    TestWaiter waiter(Condition::done(), f.clock.now() + 600s);
    REQUIRE(f.park(all_of({"all", "one"}), waiter) == Parked::kParked);
    f.complete("all");
    f.clock.advance(3s);
    f.happen("all", EventKind::kAcknowledged, "b");
    f.complete("one");
    let_notifier_see(f, "one");
    let_notifier_see(f, "all");
    REQUIRE_FALSE(waiter.answered());
    f.happen("all", EventKind::kCompleted, "b");
    f.clock.advance(2s);
    REQUIRE(answer_of(waiter).outcome == Outcome::kDone);
  }
}

TEST_CASE("job sets: a failure that its agent makes good still counts for any") {
  Fixture f;
  f.broadcast("all");
  f.define("one");
  TestWaiter waiter(Condition::succeeded(), f.clock.now() + 600s);
  REQUIRE(f.park(any_of({"all", "one"}), waiter) == Parked::kParked);
  f.happen("all", EventKind::kFailed, "a");
  let_notifier_see(f, "all");
  f.happen("all", EventKind::kCompleted, "a");
  let_notifier_see(f, "all");
  CHECK_FALSE(waiter.answered());
  f.clock.advance(2s);
  CHECK(answer_of(waiter).snapshot->status == Status::kProcessing);
}

// --- Other ends -------------------------------------------------------------------------------

TEST_CASE("job sets: deleting one of the jobs answers at once that the set is gone") {
  Fixture f;
  for (const char* id : {"a", "b", "c"}) f.define(id);
  f.complete("c");  // It is counted already, and final.
  for (const char* victim : {"a", "c"}) {
    TestWaiter change, done(Condition::done()), any(Condition::succeeded());
    REQUIRE(f.park_for_change(all_of({"a", "b", "c"}), change) == Parked::kParked);
    REQUIRE(f.park(all_of({"a", "b", "c"}), done) == Parked::kParked);
    REQUIRE(f.park(any_of({"a", "b"}), any) == Parked::kParked);
    f.remove(victim);
    for (TestWaiter* waiter : {&change, &done}) {
      const Answer answer = answer_of(*waiter);
      CHECK(answer.outcome == Outcome::kGone);
      CHECK(answer.snapshot == nullptr);
    }
    if (std::string_view(victim) == "a") CHECK(answer_of(any).outcome == Outcome::kGone);
    f.define(victim);
    if (std::string_view(victim) == "c") {
      REQUIRE(any.try_claim());
      f.sets().unpark(any);
    }
  }
  CHECK(f.table.parked() == 0);
}

TEST_CASE("job sets: the deadline answers with the set as it is") {
  Fixture f;
  f.define("a");
  f.define("b");
  TestWaiter change({}, f.clock.now() + 1s), done(Condition::done(), f.clock.now() + 1s);
  const JobSetPtr key = all_of({"a", "b"});
  f.complete("b");
  REQUIRE(f.park_for_change(key, change) == Parked::kParked);
  REQUIRE(f.park(key, done) == Parked::kParked);
  f.clock.advance(999ms);
  CHECK_FALSE(done.answered());
  f.clock.advance(1ms);
  for (TestWaiter* waiter : {&change, &done}) {
    const Answer answer = answer_of(*waiter);
    CHECK(answer.outcome == Outcome::kTimeout);
    CHECK(answer.snapshot->json.tag == f.look(key).snapshot->json.tag);
  }
  CHECK(f.table.parked() == 0);
}

TEST_CASE("job sets: a change before the deadline beats the deadline, whoever tells of which") {
  for (int round = 0; round < 200; ++round) {
    Fixture f(JobTable::Options{.shards = 4});
    std::vector<std::string> ids;
    for (int i = 0; i < 8; ++i) f.define(ids.emplace_back("j" + std::to_string(i)));
    TestWaiter waiter({}, f.clock.now() + 1s);
    REQUIRE(f.park_for_change(all_of(ids), waiter) == Parked::kParked);
    f.happen("j3", EventKind::kStarted);
    f.clock.advance(2s);
    REQUIRE(answer_of(waiter).outcome == Outcome::kChanged);
  }
}

TEST_CASE("job sets: draining answers with the set as it is, and parks no more") {
  Fixture f;
  f.define("a");
  f.define("b");
  f.complete("b");
  const JobSetPtr key = all_of({"a", "b"});
  std::deque<TestWaiter> waiters;
  for (int i = 0; i < 300; ++i) {
    waiters.emplace_back(i % 2 == 0 ? Condition::done() : Condition::succeeded());
    REQUIRE(f.park(key, waiters.back()) == Parked::kParked);
  }
  f.table.drain();
  for (TestWaiter& waiter : waiters) {
    REQUIRE(waiter.answered());
    const Answer answer = answer_of(waiter);
    CHECK(answer.outcome == Outcome::kDrain);
    CHECK(answer.snapshot != nullptr);
  }
  TestWaiter late(Condition::done());
  Look look;
  CHECK(f.table.park(key, late, 0, f.clock.now(), look) == Parked::kDraining);
  CHECK(look.snapshot != nullptr);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("job sets: a set takes a place for each of its jobs, and none is left for more") {
  Fixture f(JobTable::Options{.parked_max = kJobSetIdsMax + 1});
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kJobSetIdsMax; ++i) {
    f.define(ids.emplace_back("j" + std::to_string(i)));
  }
  const JobSetPtr key = all_of(ids);
  TestWaiter first(Condition::done()), second(Condition::done()), third(Condition::done());
  REQUIRE(f.park(key, first) == Parked::kParked);
  Look look;
  REQUIRE(f.table.park("j0", second, 0, f.clock.now(), look) == Parked::kParked);
  CHECK(f.table.parked() == 2);
  CHECK(f.table.places().taken() == kJobSetIdsMax + 1);
  CHECK(f.table.park(key, third, 0, f.clock.now(), look) == Parked::kFull);
  CHECK(look.snapshot != nullptr);
  CHECK(f.table.park(all_of({"nobody"}), third, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(f.table.parked() == 2);
  for (const std::string& id : ids) f.complete(id);
  CHECK(answer_of(first).outcome == Outcome::kDone);
  CHECK(answer_of(second).outcome == Outcome::kDone);
  CHECK(f.table.parked() == 0);
  CHECK(f.table.places().taken() == 0);
  CHECK(f.park(key, third) == Parked::kReady);
}

TEST_CASE("job sets: whose client hung up is not answered, and nothing of it stays") {
  Fixture f;
  f.define("a");
  f.define("b");
  f.complete("b");
  const JobSetPtr key = all_of({"a", "b"});
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park(key, waiter) == Parked::kParked);
  REQUIRE(waiter.try_claim());
  f.sets().unpark(waiter);
  CHECK(f.table.parked() == 0);
  f.complete("a");
  let_notifier_see(f, "b");
  CHECK_FALSE(waiter.answered());
}

TEST_CASE("job sets: a client that hung up before it was parked is not parked") {
  Fixture f;
  f.define("a");
  TestWaiter waiter(Condition::done());
  REQUIRE(waiter.try_claim());
  CHECK(f.park(all_of({"a"}), waiter) == Parked::kGone);
  f.sets().unpark(waiter);
  CHECK(f.table.parked() == 0);
}

TEST_CASE("job sets: a new epoch is a change, though every job stays as it was") {
  Fixture f(JobTable::Options{.shards = 4});
  BucketRead read(100);
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    f.define(ids.emplace_back("j" + std::to_string(i)));
    REQUIRE(read.absorb(defined(ids.back(), f.revision)));
  }
  TestWaiter change, done(Condition::done());
  REQUIRE(f.park_for_change(all_of(ids), change) == Parked::kParked);
  REQUIRE(f.park(all_of(ids), done) == Parked::kParked);
  f.table.install(std::move(read), kEpoch + 1, 0s);
  CHECK(answer_of(change).snapshot->json.tag.epoch == kEpoch + 1);
  CHECK_FALSE(done.answered());
  for (const std::string& id : ids) f.complete(id);
  CHECK(answer_of(done).outcome == Outcome::kDone);
}

// --- Jobs that do not exist yet
// -------------------------------------------------------------------

// A waiter for jobs that may not exist yet.
TestWaiter& await_all(std::deque<TestWaiter>& waiters, Condition condition,
                      TimePoint deadline = kEndOfTime) {
  TestWaiter& waiter = waiters.emplace_back(condition, deadline);
  waiter.terms.waits_for_job = true;
  return waiter;
}

TEST_CASE("job sets: jobs that are not there yet are waited for, and then for what they do") {
  Fixture f(JobTable::Options{.shards = 4});
  f.define("a");
  f.complete("a");
  std::deque<TestWaiter> waiters;
  TestWaiter& done = await_all(waiters, Condition::done());
  TestWaiter& succeeded = await_all(waiters, Condition::succeeded());
  REQUIRE(f.park(all_of({"a", "b", "c"}), done) == Parked::kParked);
  REQUIRE(f.park(all_of({"b", "c"}), succeeded) == Parked::kParked);
  CHECK(f.table.places().taken() == 5);
  CHECK(f.table.jobs() == 1);
  CHECK(f.table.records() == 3);
  f.define("b");
  f.complete("b");
  let_notifier_see(f, "b");
  CHECK_FALSE(done.answered());
  f.define("c");
  let_notifier_see(f, "c");
  CHECK_FALSE(done.answered());
  f.complete("c");
  for (TestWaiter* waiter : {&done, &succeeded}) {
    const Answer answer = answer_of(*waiter);
    CHECK(answer.outcome == Outcome::kDone);
    CHECK(answer.snapshot->status == Status::kCompleted);
  }
  CHECK(f.table.parked() == 0);
  CHECK(f.table.places().taken() == 0);
}

TEST_CASE("job sets: jobs that decide alone are answered without those that are not there") {
  Fixture f;
  f.define("a");
  std::deque<TestWaiter> waiters;
  TestWaiter& any = await_all(waiters, Condition::done());
  TestWaiter& all = await_all(waiters, Condition::succeeded());
  REQUIRE(f.park(any_of({"ghost", "a"}), any) == Parked::kParked);
  REQUIRE(f.park(all_of({"a", "ghost"}), all) == Parked::kParked);
  f.happen("a", EventKind::kFailed);
  const Answer first = answer_of(any);
  CHECK(first.outcome == Outcome::kDone);
  CHECK(first.snapshot->json.tag == f.look(all_of({"a"})).snapshot->json.tag);
  const Answer second = answer_of(all);
  CHECK(second.outcome == Outcome::kDone);
  CHECK(can_never_succeed(*second.snapshot, false));
  CHECK(f.table.records() == 1);
  // Who comes now is not parked at all.
  TestWaiter& late = await_all(waiters, Condition::done());
  Look look;
  CHECK(f.table.park(any_of({"ghost", "a"}), late, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(look.snapshot != nullptr);
  // Only who waits for them gets an answer without them.
  CHECK(f.look(any_of({"ghost", "a"})).snapshot == nullptr);
}

TEST_CASE("job sets: the deadline, or a drain, comes without a set if a job never came") {
  Fixture f;
  f.define("a");
  std::deque<TestWaiter> waiters;
  TestWaiter& late = await_all(waiters, Condition::done(), f.clock.now() + 1s);
  TestWaiter& drained = await_all(waiters, Condition::done());
  REQUIRE(f.park(all_of({"a", "ghost"}), late) == Parked::kParked);
  REQUIRE(f.park(any_of({"a", "ghost"}), drained) == Parked::kParked);
  f.complete("a");
  CHECK(answer_of(drained).outcome == Outcome::kDone);
  f.clock.advance(1s);
  const Answer answer = answer_of(late);
  CHECK(answer.outcome == Outcome::kTimeout);
  CHECK(answer.snapshot == nullptr);
  CHECK(f.table.records() == 1);
  TestWaiter& again = await_all(waiters, Condition::done());
  REQUIRE(f.park(all_of({"a", "ghost"}), again) == Parked::kParked);
  f.table.drain();
  CHECK(again.wait_answer()->outcome == Outcome::kDrain);
  CHECK(f.table.records() == 1);
  CHECK(f.table.places().taken() == 0);
}

TEST_CASE("job sets: a job that came while it was waited for, and was deleted, ends the wait") {
  for (int round = 0; round < 200; ++round) {
    Fixture f(JobTable::Options{.shards = 4});
    std::deque<TestWaiter> waiters;
    TestWaiter& waiter = await_all(waiters, Condition::done());
    REQUIRE(f.park(all_of({"a", "b"}), waiter) == Parked::kParked);
    f.define("a");
    if (round % 2 == 0) f.complete("a");
    if (round % 3 == 0) let_notifier_see(f, "a");
    f.remove("a");
    const Answer answer = answer_of(waiter);
    REQUIRE(answer.outcome == Outcome::kGone);
    REQUIRE(answer.snapshot == nullptr);
    REQUIRE(f.table.places().taken() == 0);
  }
}

// Whose answer takes as long as the test wants.
class SlowWaiter final : public Waiter {
 public:
  bool present(std::uint64_t) const noexcept override { return true; }
  bool try_claim() noexcept override { return true; }
  void answer(Outcome, std::shared_ptr<const Snapshot>) noexcept override {
    began.set_value();
    ends.get_future().wait_for(10s);
  }
  void lose() noexcept override {}

  std::promise<void> began, ends;
};

TEST_CASE("job sets: a job that is deleted before its set has looked at it is gone, not missing") {
  Fixture f(JobTable::Options{.shards = 1});
  std::deque<TestWaiter> waiters;
  TestWaiter& waiter = await_all(waiters, Condition::done());
  REQUIRE(f.park(all_of({"a", "b"}), waiter) == Parked::kParked);
  SlowWaiter before;  // The newest on a job is answered first.
  before.terms.condition = Condition::done();
  before.terms.deadline = kEndOfTime;
  before.terms.waits_for_job = true;
  Look look;
  REQUIRE(f.table.park("a", before, 0, f.clock.now(), look) == Parked::kParked);
  f.define("a");
  f.complete("a");
  REQUIRE(before.began.get_future().wait_for(10s) == std::future_status::ready);
  f.remove("a");
  before.ends.set_value();
  CHECK(answer_of(waiter).outcome == Outcome::kGone);
}

TEST_CASE("job sets: without a place, or a client, nothing waits for jobs that are not there") {
  Fixture f(JobTable::Options{.parked_max = 3});
  std::deque<TestWaiter> waiters;
  TestWaiter& leaves = await_all(waiters, Condition::done());
  TestWaiter& finds_no_room = await_all(waiters, Condition::done());
  REQUIRE(f.park(all_of({"x", "y"}), leaves) == Parked::kParked);
  Look look;
  CHECK(f.table.park(all_of({"x", "z"}), finds_no_room, 0, f.clock.now(), look) == Parked::kFull);
  CHECK(look.snapshot == nullptr);
  CHECK(f.table.records() == 2);
  REQUIRE(leaves.try_claim());
  f.sets().unpark(leaves);
  CHECK(f.table.records() == 0);
  CHECK(f.table.places().taken() == 0);
}

TEST_CASE("job sets: reading the bucket afresh wakes a set whose last job came with it") {
  Fixture f(JobTable::Options{.shards = 4});
  std::deque<TestWaiter> waiters;
  TestWaiter& waiter = await_all(waiters, Condition::done());
  REQUIRE(f.park(all_of({"a", "b"}), waiter) == Parked::kParked);
  BucketRead read(100);
  for (const char* id : {"a", "b"}) {
    REQUIRE(read.absorb(defined(id, ++f.revision)));
    REQUIRE(read.absorb(happened(id, ++f.revision, EventKind::kCompleted, "x")));
  }
  f.table.install(std::move(read), kEpoch, 0s);
  CHECK(answer_of(waiter).outcome == Outcome::kDone);
}

}  // namespace
}  // namespace bide
