#include "core/table/job_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <future>
#include <memory>
#include <string>

#include "core/job/patch.h"
#include "core/table/overview.h"
#include "core/table/shard.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/eventually.h"
#include "tests/fake_clock.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::deleted;
using testing::eventually;
using testing::happened;
using testing::progressed;

constexpr Epoch kEpoch = 42;

// A table that has read an empty bucket.
struct Fixture {
  FakeClock clock;
  std::unique_ptr<JobTable> table;

  explicit Fixture(JobTable::Options options = {}, std::chrono::nanoseconds max_age = 0s) {
    table = std::make_unique<JobTable>(clock, options, nullptr);
    table->install(BucketRead(options.jobs_max), kEpoch, max_age);
  }
  void apply(const Entry& entry) { REQUIRE(table->apply(entry)); }
  Look look(const std::string& id) { return table->look(id, {}, clock.now()); }
  EntityTag tag(const std::string& id) { return look(id).snapshot->json.tag; }
  Parked park(const std::string& id, TestWaiter& waiter) {
    Look look;
    return table->park(id, waiter, 0, clock.now(), look);
  }
  // Parks for a change of the state as it is now.
  Parked park_for_change(const std::string& id, TestWaiter& waiter) {
    waiter.terms.seen = *ValidatorList::parse(look(id).snapshot->json.etag());
    return park(id, waiter);
  }
};

Entry broadcast(const std::string& id, Revision revision) {
  Definition definition;
  definition.subject = "jobs.query._all";
  return defined(id, revision, std::move(definition));
}

TEST_CASE("job table: an unknown job has no snapshot and cannot be parked on") {
  Fixture f;
  CHECK(f.look("build-7").snapshot == nullptr);
  TestWaiter waiter;
  CHECK(f.park("build-7", waiter) == Parked::kReady);
  CHECK(f.table->parked() == 0);
}

TEST_CASE("job table: events before the definition show once it arrives") {
  Fixture f;
  f.apply(happened("build-7", 1, EventKind::kStarted, "a"));
  CHECK(f.look("build-7").snapshot == nullptr);
  f.apply(defined("build-7", 2));
  REQUIRE(f.look("build-7").snapshot != nullptr);
  CHECK(f.look("build-7").snapshot->status == Status::kProcessing);
}

TEST_CASE("job table: a change answers who waits for one, with the new state") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter;
  REQUIRE(f.park_for_change("build-7", waiter) == Parked::kParked);
  CHECK(f.table->parked() == 1);
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kChanged);
  CHECK(answer->snapshot->status == Status::kProcessing);
  CHECK(answer->snapshot->json.tag.revision == 2);
  CHECK(f.table->parked() == 0);
}

TEST_CASE("job table: a request whose news is there already is not parked") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter;
  waiter.terms.seen = *ValidatorList::parse(f.look("build-7").snapshot->json.etag());
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  Look look;
  CHECK(f.table->park("build-7", waiter, 0, f.clock.now(), look) == Parked::kReady);
  CHECK(look.verdict == Verdict::kHolds);
  REQUIRE(look.snapshot != nullptr);
  CHECK(look.snapshot->status == Status::kProcessing);
}

TEST_CASE("job table: intermediate changes do not wake who waits for done") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter done(Condition::done());
  TestWaiter change;
  REQUIRE(f.park("build-7", done) == Parked::kParked);
  REQUIRE(f.park_for_change("build-7", change) == Parked::kParked);
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  REQUIRE(change.wait_answer());
  CHECK_FALSE(done.answered());
  f.apply(happened("build-7", 3, EventKind::kCompleted, "a"));
  const auto answer = done.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kDone);
  CHECK(answer->snapshot->status == Status::kCompleted);
}

TEST_CASE("job table: the deadline answers with the state as it is") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter({}, f.clock.now() + 1s);
  REQUIRE(f.park_for_change("build-7", waiter) == Parked::kParked);
  f.clock.advance(999ms);
  CHECK_FALSE(waiter.answered());
  f.clock.advance(1ms);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kTimeout);
  CHECK(answer->snapshot->json.tag.revision == 1);
}

TEST_CASE("job table: a change before the deadline beats the deadline") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter({}, f.clock.now() + 1s);
  REQUIRE(f.park_for_change("build-7", waiter) == Parked::kParked);
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  f.clock.advance(2s);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kChanged);
}

TEST_CASE("job table: deadlines are answered in their order, whatever the order of parking") {
  Fixture f(JobTable::Options{.shards = 1});
  f.apply(defined("build-7", 1));
  std::deque<TestWaiter> waiters;
  for (const int second : {5, 1, 4, 2, 3}) {
    waiters.emplace_back(Condition::done(), f.clock.now() + std::chrono::seconds(second));
    REQUIRE(f.park("build-7", waiters.back()) == Parked::kParked);
  }
  for (const std::size_t next : {1U, 3U, 4U, 2U, 0U}) {
    f.clock.advance(1s);
    REQUIRE(waiters[next].wait_answer());
  }
  CHECK(f.table->parked() == 0);
}

TEST_CASE("job table: deleting the job answers everybody at once that it is gone") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter change;
  TestWaiter done(Condition::done());
  REQUIRE(f.park_for_change("build-7", change) == Parked::kParked);
  REQUIRE(f.park("build-7", done) == Parked::kParked);
  f.apply(deleted(defined("build-7", 1), 2));
  for (TestWaiter* waiter : {&change, &done}) {
    const auto answer = waiter->wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kGone);
    CHECK(answer->snapshot == nullptr);
  }
  CHECK(f.look("build-7").snapshot == nullptr);
  CHECK(f.table->jobs() == 0);
}

TEST_CASE("job table: a job defined again after its deletion keeps the events that remain") {
  Fixture f;
  f.apply(defined("build-7", 1));
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  f.apply(deleted(defined("build-7", 1), 3));
  CHECK(f.look("build-7").snapshot == nullptr);
  f.apply(defined("build-7", 4));
  CHECK(f.look("build-7").snapshot->status == Status::kProcessing);
}

TEST_CASE("job table: who waits for a job to exist is answered when its definition comes") {
  Fixture f;
  TestWaiter waiter(Condition::exists(), f.clock.now() + 1s);
  REQUIRE(f.park("build-7", waiter) == Parked::kParked);
  f.apply(happened("build-7", 1, EventKind::kStarted, "a"));
  f.apply(defined("build-7", 2));
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kDone);
  CHECK(answer->snapshot->status == Status::kProcessing);
}

// For a job that may not exist yet.
std::unique_ptr<TestWaiter> expecting(Condition condition, TimePoint deadline = kEndOfTime) {
  auto waiter = std::make_unique<TestWaiter>(condition, deadline);
  waiter->terms.waits_for_job = true;
  return waiter;
}

TEST_CASE("job table: waiting for a job that never comes ends without a snapshot, or a trace") {
  Fixture f;
  for (const Condition& condition : {Condition::exists(), Condition::done()}) {
    const auto waiter = expecting(condition, f.clock.now() + 1s);
    REQUIRE(f.park("build-7", *waiter) == Parked::kParked);
    CHECK(f.table->jobs() == 0);
    CHECK(f.table->records() == 1);
    f.clock.advance(1s);
    const auto answer = waiter->wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kTimeout);
    CHECK(answer->snapshot == nullptr);
    CHECK(f.table->records() == 0);
    CHECK(f.table->places().taken() == 0);
  }
}

TEST_CASE("job table: a waiter for a job that is not there yet waits for its condition, too") {
  Fixture f;
  const auto done = expecting(Condition::done()),
             failed = expecting(Condition::status_in(1U << 3U));
  const auto succeeded = expecting(Condition::succeeded());
  for (const auto& waiter : {&done, &failed, &succeeded}) {
    REQUIRE(f.park("build-7", **waiter) == Parked::kParked);
  }
  f.apply(happened("build-7", 1, EventKind::kStarted, "a"));
  f.apply(defined("build-7", 2));
  // Whoever comes now is behind them in the notifier's work.
  TestWaiter change;
  REQUIRE(f.park_for_change("build-7", change) == Parked::kParked);
  f.apply(happened("build-7", 3, EventKind::kAcknowledged, "a"));
  REQUIRE(change.wait_answer());
  for (const auto& waiter : {&done, &failed, &succeeded}) CHECK_FALSE((*waiter)->answered());
  f.apply(happened("build-7", 4, EventKind::kFailed, "a"));
  for (const auto& waiter : {&done, &failed, &succeeded}) {
    const auto answer = (*waiter)->wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kDone);
    CHECK(answer->snapshot->status == Status::kFailed);
  }
  CHECK(f.table->parked() == 0);
}

TEST_CASE("job table: a job that came while it was waited for, and was deleted, is gone at once") {
  Fixture f;
  const auto waiter = expecting(Condition::done());
  REQUIRE(f.park("build-7", *waiter) == Parked::kParked);
  f.apply(defined("build-7", 1));
  f.apply(deleted(defined("build-7", 1), 2));
  const auto answer = waiter->wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kGone);
  CHECK(f.table->records() == 0);
}

TEST_CASE("job table: a request that is parked again does not wait for a job that it has seen") {
  Fixture f;
  const auto waiter = expecting(Condition::done()), still_waits = expecting(Condition::done());
  REQUIRE(f.park("build-7", *waiter) == Parked::kParked);
  REQUIRE(f.park("build-8", *still_waits) == Parked::kParked);
  f.apply(defined("build-7", 1));
  f.table->unpark("build-7", *waiter);
  f.table->unpark("build-8", *still_waits);
  f.apply(deleted(defined("build-7", 1), 2));
  CHECK(f.park("build-7", *waiter) == Parked::kReady);
  CHECK(f.park("build-8", *still_waits) == Parked::kParked);
  f.table->drain();
}

TEST_CASE("job table: a client that hangs up while its job is not there leaves nothing") {
  Fixture f;
  const auto waiter = expecting(Condition::done());
  REQUIRE(f.park("build-7", *waiter) == Parked::kParked);
  REQUIRE(waiter->try_claim());
  f.table->unpark("build-7", *waiter);
  CHECK(f.table->records() == 0);
  f.apply(defined("build-7", 1));
  f.apply(happened("build-7", 2, EventKind::kCompleted, "a"));
  CHECK_FALSE(waiter->answered());
}

TEST_CASE("job table: it says whether an entry has overwritten another") {
  Fixture f;
  BucketRead read(100);
  const auto overwrote = [&](const Entry& entry) {
    const bool in_table = f.table->apply(entry).overwrote;
    CHECK(read.absorb(entry).overwrote == in_table);
    return in_table;
  };
  CHECK_FALSE(overwrote(progressed("j", 1, "a", "1")));
  CHECK(overwrote(progressed("j", 2, "a", "2")));
  CHECK_FALSE(overwrote(progressed("j", 3, "b", "1")));
  CHECK_FALSE(overwrote(defined("j", 4)));
  CHECK(overwrote(defined("j", 5)));
  CHECK_FALSE(overwrote(happened("j", 6, EventKind::kStarted, "a")));
  CHECK(overwrote(deleted(progressed("j", 3, "b", ""), 7)));
  CHECK_FALSE(overwrote(deleted(progressed("j", 3, "b", ""), 8)));
  CHECK_FALSE(overwrote(progressed("j", 9, "b", "1")));
  CHECK(overwrote(testing::lost(progressed("j", 9, "b", ""), 10)));
  CHECK(overwrote(deleted(defined("j", 5), 11)));
  CHECK_FALSE(overwrote(deleted(defined("other", 5), 12)));
}

TEST_CASE("job table: waiters for jobs that are not there take no room from jobs") {
  Fixture f(JobTable::Options{.shards = 1, .parked_max = 100, .jobs_max = 1});
  std::deque<TestWaiter> waiters;
  for (int i = 0; i < 100; ++i) {
    waiters.emplace_back(Condition::exists());
    REQUIRE(f.park("j" + std::to_string(i), waiters.back()) == Parked::kParked);
  }
  const auto one_more = expecting(Condition::done());
  Look look;
  CHECK(f.table->park("more", *one_more, 0, f.clock.now(), look) == Parked::kFull);
  CHECK(look.snapshot == nullptr);
  CHECK(f.table->records() == 100);
  f.apply(defined("j7", 1));
  CHECK(waiters[7].wait_answer()->outcome == Outcome::kDone);
  CHECK_FALSE(f.table->apply(defined("j8", 2)));
  CHECK_FALSE(waiters[8].answered());
  f.apply(deleted(defined("j9", 1), 3));  // Of a job that never was.
  CHECK(f.table->jobs() == 1);
  f.table->drain();
  CHECK(f.table->records() == 1);
}

TEST_CASE("job table: events that expire do not end the wait for their job's definition") {
  Fixture f({}, 60s);
  const auto waiter = expecting(Condition::done());
  REQUIRE(f.park("build-7", *waiter) == Parked::kParked);
  Entry event = happened("build-7", 1, EventKind::kStarted, "a");
  event.written = f.clock.wall_now();
  f.apply(event);
  CHECK(f.table->jobs() == 1);
  f.clock.advance(61s);
  CHECK(eventually([&] { return f.table->jobs() == 0; }));
  CHECK_FALSE(waiter->answered());
  Entry definition = defined("build-7", 2);
  definition.written = f.clock.wall_now();
  f.apply(definition);
  event = happened("build-7", 3, EventKind::kCompleted, "a");
  event.written = f.clock.wall_now();
  f.apply(event);
  const auto answer = waiter->wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kDone);
  CHECK(answer->snapshot->json.bytes.find("started") == std::string::npos);
  CHECK(f.table->memory() > 0);
}

TEST_CASE("job table: what is younger than a definition that expires outlives it") {
  Fixture f({}, 60s);
  const auto at_once = [&f](Entry entry) {
    entry.written = f.clock.wall_now();
    f.apply(entry);
  };
  at_once(happened("build-7", 1, EventKind::kStarted, "a"));
  at_once(defined("build-7", 2));
  const auto waiter = expecting(Condition::done());
  REQUIRE(f.park("build-7", *waiter) == Parked::kParked);
  f.clock.advance(40s);
  at_once(happened("build-7", 3, EventKind::kStarted, "b"));
  f.clock.advance(30s);
  REQUIRE(eventually([&] { return f.look("build-7").snapshot == nullptr; }));
  REQUIRE(waiter->wait_answer());
  CHECK(f.table->jobs() == 1);
  at_once(defined("build-7", 4));
  const std::string json = f.look("build-7").snapshot->json.bytes;
  CHECK(json.find("\"hostname\":\"b\"") != std::string::npos);
  CHECK(json.find("\"hostname\":\"a\"") == std::string::npos);
  f.clock.advance(61s);
  REQUIRE(eventually([&] { return f.table->jobs() == 0; }));
  CHECK(f.table->records() == 0);
  CHECK(f.table->memory() == 0);
}

TEST_CASE("job table: reading the bucket afresh does not lose a wait for a job that is not there") {
  Fixture f;
  const auto comes = expecting(Condition::done()), later = expecting(Condition::done());
  REQUIRE(f.park("comes", *comes) == Parked::kParked);
  REQUIRE(f.park("later", *later) == Parked::kParked);
  BucketRead read(100);
  REQUIRE(read.absorb(defined("comes", 1)));
  REQUIRE(read.absorb(happened("comes", 2, EventKind::kCompleted, "a")));
  f.table->install(std::move(read), kEpoch, 0s);
  CHECK(comes->wait_answer()->outcome == Outcome::kDone);
  CHECK(f.table->jobs() == 1);
  CHECK(f.table->records() == 2);
  f.apply(defined("later", 3));
  f.apply(happened("later", 4, EventKind::kCompleted, "a"));
  CHECK(later->wait_answer()->outcome == Outcome::kDone);
}

// --- Progress -----------------------------------------------------------------------------------

// Parks as a stream does whose client knows the job as it is now.
std::unique_ptr<TestWaiter> stream_on(Fixture& f, const std::string& id) {
  auto waiter = std::make_unique<TestWaiter>(Condition::news_until(Condition::final()));
  REQUIRE(f.park_for_change(id, *waiter) == Parked::kParked);
  return waiter;
}

// A waiter whose deadline has passed is answered after those whose job changed before.
void let_notifier_see(Fixture& f, const std::string& id) {
  TestWaiter last(Condition::any_change(), f.clock.now());
  REQUIRE(f.park_for_change(id, last) == Parked::kParked);
  REQUIRE(last.wait_answer());
}

TEST_CASE("job table: progress wakes who waits for a change, and nobody else") {
  Fixture f;
  f.apply(defined("build-7", 1));
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  TestWaiter change, done(Condition::done()), failed(Condition::status_in(1U << 3U));
  const auto stream = stream_on(f, "build-7");
  REQUIRE(f.park_for_change("build-7", change) == Parked::kParked);
  REQUIRE(f.park("build-7", done) == Parked::kParked);
  REQUIRE(f.park("build-7", failed) == Parked::kParked);
  f.apply(progressed("build-7", 3, "a", "40"));
  for (TestWaiter* waiter : {&change, stream.get()}) {
    const auto answer = waiter->wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kChanged);
    CHECK(answer->snapshot->json.tag.revision == 3);
    CHECK(answer->snapshot->status == Status::kProcessing);
  }
  CHECK_FALSE(done.answered());
  CHECK_FALSE(failed.answered());
  CHECK(f.table->parked() == 2);
  f.table->drain();
}

TEST_CASE("job table: progress is told once in 250 ms, and the last of it is not lost") {
  Fixture f;
  f.apply(defined("build-7", 1));
  auto stream = stream_on(f, "build-7");
  f.apply(progressed("build-7", 2, "a", "1"));
  CHECK(stream->wait_answer()->snapshot->json.tag.revision == 2);
  stream = stream_on(f, "build-7");
  TestWaiter change;
  REQUIRE(f.park_for_change("build-7", change) == Parked::kParked);
  for (Revision revision = 3; revision <= 9; ++revision) {
    f.apply(progressed("build-7", revision, "a", std::to_string(revision)));
  }
  f.clock.advance(249ms);
  f.apply(progressed("build-7", 10, "a", "10"));
  // Requests that are answered at once see it all the time.
  CHECK(f.tag("build-7").revision == 10);
  // A stream that has sent what it knew is told no more before it is time.
  TestWaiter behind(Condition::news_until(Condition::final()));
  behind.terms.seen = ValidatorList(EntityTag{kEpoch, 5, 1});
  REQUIRE(f.park("build-7", behind) == Parked::kParked);
  let_notifier_see(f, "build-7");
  CHECK_FALSE(stream->answered());
  CHECK_FALSE(change.answered());
  f.clock.advance(1ms);
  for (TestWaiter* waiter : {stream.get(), &change, &behind}) {
    const auto answer = waiter->wait_answer();
    REQUIRE(answer);
    CHECK(answer->snapshot->json.tag.revision == 10);
  }
  // Nothing came for as long: the next is told at once.
  f.clock.advance(250ms);
  stream = stream_on(f, "build-7");
  f.apply(progressed("build-7", 11, "a", "11"));
  CHECK(stream->wait_answer()->snapshot->json.tag.revision == 11);
}

TEST_CASE("job table: progress that waits is told in time, though others wait for longer") {
  // By the real clock: the fake one wakes the notifier whenever it is turned.
  JobTable table(system_clock(), JobTable::Options{.shards = 1}, nullptr);
  const TimePoint now = system_clock().now();
  table.install(BucketRead(100), kEpoch, 0s);
  REQUIRE(table.apply(defined("other", 1)));
  REQUIRE(table.apply(defined("build-7", 2)));
  TestWaiter other(Condition::done(), now + 60s);
  TestWaiter stream(Condition::news_until(Condition::final()), now + 70s);
  Look look;
  REQUIRE(table.park("other", other, 0, now, look) == Parked::kParked);
  // The notifier mostly sleeps by then; if not, the test is only easier.
  for (int i = 0; i < 10'000; ++i) REQUIRE(table.jobs() == 2);
  REQUIRE(table.apply(progressed("build-7", 3, "a", "1")));
  stream.terms.seen = ValidatorList(table.look("build-7", {}, now).snapshot->json.tag);
  REQUIRE(table.park("build-7", stream, 0, now, look) == Parked::kParked);
  REQUIRE(table.apply(progressed("build-7", 4, "a", "2")));
  const auto answer = stream.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->json.tag.revision == 4);
  table.drain();
}

TEST_CASE("job table: progress does not delay what is no progress, nor the end") {
  Fixture f;
  f.apply(defined("build-7", 1));
  f.apply(progressed("build-7", 2, "a", "1"));
  auto stream = stream_on(f, "build-7");
  f.apply(progressed("build-7", 3, "a", "2"));  // Too soon.
  f.apply(happened("build-7", 4, EventKind::kStarted, "a"));
  auto answer = stream->wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->json.tag.revision == 4);
  CHECK(answer->snapshot->json.bytes.find(R"("percent":2)") != std::string::npos);
  stream = stream_on(f, "build-7");
  f.apply(progressed("build-7", 5, "a", "3"));
  f.apply(happened("build-7", 6, EventKind::kCompleted, "a"));
  answer = stream->wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot->final);
  CHECK(answer->outcome == Outcome::kChanged);
}

TEST_CASE("job table: a stream ends with the last progress, however soon it ends after it") {
  Fixture f;
  f.apply(broadcast("all", 1));
  f.apply(happened("all", 2, EventKind::kCompleted, "a"));
  f.clock.advance(1900ms);
  f.apply(progressed("all", 3, "b", "1"));
  TestWaiter stream(Condition::news_until(Condition::done()));
  REQUIRE(f.park_for_change("all", stream) == Parked::kParked);
  f.apply(progressed("all", 4, "b", "2"));  // Too soon to be told.
  f.clock.advance(100ms);                   // Settled: progress does not put it off.
  const auto answer = stream.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kChanged);
  CHECK(answer->snapshot->json.tag.revision == 4);
  stream.terms.seen = ValidatorList(answer->snapshot->json.tag);
  Look look;
  CHECK(f.table->park("all", stream, 1, f.clock.now(), look) == Parked::kReady);
  CHECK(look.verdict == Verdict::kHolds);
}

TEST_CASE("job table: a job that is deleted, or read again, while its progress waits") {
  Fixture f;
  f.apply(defined("gone", 1));
  f.apply(defined("read", 2));
  for (const char* id : {"gone", "read"}) {
    f.apply(progressed(id, f.table->applied_revision() + 1, "a", "1"));
  }
  const auto gone = stream_on(f, "gone"), read_again = stream_on(f, "read");
  f.apply(progressed("gone", 5, "a", "2"));
  f.apply(progressed("read", 6, "a", "2"));
  f.apply(deleted(defined("gone", 1), 7));
  CHECK(gone->wait_answer()->outcome == Outcome::kGone);
  BucketRead read(100);
  REQUIRE(read.absorb(defined("read", 2)));
  REQUIRE(read.absorb(progressed("read", 6, "a", "2")));
  f.table->install(std::move(read), kEpoch, 0s);
  CHECK(read_again->wait_answer()->snapshot->json.tag.revision == 6);
  f.clock.advance(1s);
  f.apply(progressed("read", 8, "a", "3"));
  CHECK(f.tag("read").revision == 8);
}

TEST_CASE("job table: a job whose entries are all deleted leaves, though its progress waits") {
  Fixture f;
  f.apply(defined("build-7", 1));
  f.apply(progressed("build-7", 2, "a", "1"));
  f.apply(progressed("build-7", 3, "a", "2"));
  f.apply(deleted(progressed("build-7", 3, "a", "2"), 4));
  f.apply(deleted(defined("build-7", 1), 5));
  CHECK(f.table->jobs() == 0);
  CHECK(f.table->memory() == 0);
  f.clock.advance(251ms);
  CHECK(eventually([&] {
    f.clock.advance(1ms);
    return f.table->records() == 0;
  }));
}

TEST_CASE("job table: a broadcast is done only after it was quiet for the settle time") {
  Fixture f;
  f.apply(broadcast("all", 1));
  TestWaiter waiter(Condition::done(), f.clock.now() + 60s);
  REQUIRE(f.park("all", waiter) == Parked::kParked);
  f.apply(happened("all", 2, EventKind::kCompleted, "a"));
  f.clock.advance(1999ms);
  f.apply(happened("all", 3, EventKind::kAcknowledged, "b"));  // A late agent: the job is not done.
  f.clock.advance(10s);
  f.apply(happened("all", 4, EventKind::kCompleted, "b"));
  f.clock.advance(1999ms);
  CHECK_FALSE(waiter.answered());
  f.clock.advance(1ms);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kDone);
  CHECK(answer->snapshot->json.tag.revision == 4);
}

TEST_CASE("job table: parked_max requests are parked, one more is not") {
  Fixture f(JobTable::Options{.parked_max = 2});
  f.apply(defined("build-7", 1));
  TestWaiter first(Condition::done()), second(Condition::done()), third(Condition::done());
  CHECK(f.park("build-7", first) == Parked::kParked);
  CHECK(f.park("build-7", second) == Parked::kParked);
  CHECK(f.park("build-7", third) == Parked::kFull);
  REQUIRE(second.try_claim());
  f.table->unpark("build-7", second);
  CHECK(f.park("build-7", third) == Parked::kParked);
  CHECK(f.table->parked() == 2);
  f.table->drain();
}

TEST_CASE("job table: jobs_max jobs are taken, one more is refused, deletions always pass") {
  Fixture f(JobTable::Options{.shards = 1, .jobs_max = 2});
  f.apply(defined("a", 1));
  f.apply(defined("b", 2));
  CHECK_FALSE(f.table->apply(defined("c", 3)));
  f.apply(deleted(defined("c", 3), 4));
  f.apply(deleted(defined("a", 1), 5));
  f.apply(defined("c", 6));
  CHECK(f.table->jobs() == 2);
}

TEST_CASE("job table: whose client hung up is not answered") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter;
  REQUIRE(f.park_for_change("build-7", waiter) == Parked::kParked);
  REQUIRE(waiter.try_claim());
  f.table->unpark("build-7", waiter);
  CHECK(f.table->parked() == 0);
  TestWaiter next;
  REQUIRE(f.park_for_change("build-7", next) == Parked::kParked);
  f.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  REQUIRE(next.wait_answer());
  CHECK_FALSE(waiter.answered());
}

TEST_CASE("job table: a client that hung up before it was parked is not parked") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter(Condition::done());
  REQUIRE(waiter.try_claim());
  CHECK(f.park("build-7", waiter) == Parked::kGone);
  f.table->unpark("build-7", waiter);
  CHECK(f.table->parked() == 0);
}

TEST_CASE("job table: draining answers everybody with the state as it is, and parks no more") {
  Fixture f;
  f.apply(defined("build-7", 1));
  std::deque<TestWaiter> waiters;
  for (int i = 0; i < 1000; ++i) {
    waiters.emplace_back(Condition::done());
    REQUIRE(f.park("build-7", waiters.back()) == Parked::kParked);
  }
  TestWaiter ghost(Condition::exists());
  REQUIRE(f.park("nobody", ghost) == Parked::kParked);
  f.table->drain();
  for (TestWaiter& waiter : waiters) {
    REQUIRE(waiter.answered());
    const auto answer = waiter.wait_answer();
    CHECK(answer->outcome == Outcome::kDrain);
    CHECK(answer->snapshot != nullptr);
  }
  CHECK(ghost.wait_answer()->snapshot == nullptr);
  TestWaiter late(Condition::done());
  CHECK(f.park("build-7", late) == Parked::kDraining);
}

TEST_CASE("job table: draining at a pace answers so many a second, and the rest when it is over") {
  Fixture f;
  f.apply(defined("build-7", 1));
  std::deque<TestWaiter> waiters;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = i % 2 == 0 ? "build-7" : "job-" + std::to_string(i);
    waiters.emplace_back(Condition::exists());
    if (i % 2 == 0) waiters.back().terms.condition = Condition::done();
    REQUIRE(f.park(id, waiters.back()) == Parked::kParked);
  }
  TestWaiter statistics;
  Look look = f.table->look(Statistics{}, {}, f.clock.now());
  statistics.terms.seen = *ValidatorList::parse(look.snapshot->json.etag());
  REQUIRE(f.table->park(Statistics{}, statistics, 0, f.clock.now(), look) == Parked::kParked);
  const auto answered = [&] {
    return std::count_if(waiters.begin(), waiters.end(), [](auto& one) { return one.answered(); }) +
           (statistics.answered() ? 1 : 0);
  };
  f.table->begin_drain(100);
  TestWaiter late(Condition::done());
  CHECK(f.park("build-7", late) == Parked::kDraining);
  // After the first step the notifiers sleep, and only the clock wakes them.
  CHECK(answered() <= 1);
  for (int step = 1; step <= 20; ++step) {
    f.clock.advance(100ms);
    CHECK(eventually([&] { return answered() >= 10 * step; }));
    CHECK(answered() <= 10 * step + 1);
  }
  f.table->drain();
  CHECK(answered() == 1001);
}

TEST_CASE("job table: a job leaves when its definition is older than the bucket's max age") {
  Fixture f({}, 60s);
  Entry definition = defined("build-7", 1);
  definition.written = f.clock.wall_now();
  f.apply(definition);
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park("build-7", waiter) == Parked::kParked);
  f.clock.advance(30s);
  Entry later = defined("build-8", 2);
  later.written = f.clock.wall_now();
  f.apply(later);
  Entry event = happened("build-7", 3, EventKind::kStarted, "a");
  event.written = f.clock.wall_now();
  f.apply(event);
  f.clock.advance(30s);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kGone);
  CHECK(f.look("build-7").snapshot == nullptr);
  CHECK(f.look("build-8").snapshot != nullptr);
}

TEST_CASE("job table: a job that is written of again keeps no other from leaving by age") {
  Fixture f(JobTable::Options{.shards = 1}, 60s);
  const auto write = [&](Entry entry) {
    entry.written = f.clock.wall_now();
    f.apply(entry);
  };
  write(defined("again", 1));
  write(happened("undefined", 2, EventKind::kStarted, "a"));
  write(defined("once", 3));
  TestWaiter waiter(Condition::done());
  REQUIRE(f.park("once", waiter) == Parked::kParked);
  f.clock.advance(30s);
  write(defined("again", 4));
  write(happened("undefined", 5, EventKind::kFailed, "a"));
  f.clock.advance(30s);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kGone);
  CHECK(f.table->jobs() == 2);
}

TEST_CASE("job table: a job leaves by age though the notifier slept when it came") {
  JobTable table(system_clock(), {}, nullptr);
  table.install(BucketRead(10), kEpoch, 100ms);
  for (Revision revision = 1; revision <= 2; ++revision) {
    Entry definition = defined("build-7", revision);
    definition.written = system_clock().wall_now();
    REQUIRE(table.apply(definition));
    CHECK(eventually([&] { return table.jobs() == 0; }));
  }
}

TEST_CASE("job table: what the bucket pushes out leaves, entry by entry") {
  Fixture f;
  f.apply(defined("first", 1));
  f.apply(happened("first", 2, EventKind::kStarted, "a"));
  f.apply(happened("second", 3, EventKind::kStarted, "a"));
  f.apply(defined("second", 4));
  f.apply(defined("third", 5));
  TestWaiter first(Condition::done()), second, third;
  REQUIRE(f.park("first", first) == Parked::kParked);
  REQUIRE(f.park_for_change("second", second) == Parked::kParked);
  REQUIRE(f.park_for_change("third", third) == Parked::kParked);
  f.table->let_go(1);
  CHECK(f.table->jobs() == 3);
  f.table->let_go(2);
  CHECK(first.wait_answer()->outcome == Outcome::kGone);
  CHECK(f.table->jobs() == 3);  // Its event may be delivered again.
  f.table->let_go(4);
  CHECK(f.table->jobs() == 2);
  CHECK(second.wait_answer()->snapshot->status == Status::kSubmitted);
  // Later ones are on the list, too.
  f.apply(defined("fourth", 6));
  f.apply(defined("third", 7));
  f.table->let_go(7);
  CHECK(f.table->jobs() == 1);
  CHECK(third.wait_answer()->snapshot->json.tag.revision == 7);
  f.table->let_go(8);
  CHECK(f.table->jobs() == 0);
  CHECK(f.table->look(Statistics(), {}, f.clock.now())
            .snapshot->json.bytes.find(R"("total_jobs":0)") != std::string::npos);
}

TEST_CASE("job table: more jobs than are looked at in one go leave in one call") {
  Fixture f;
  for (Revision revision = 1; revision <= 2000; ++revision) {
    f.apply(defined("j" + std::to_string(revision), revision));
  }
  f.table->let_go(2000);
  CHECK(f.table->jobs() == 1);
  BucketRead read(100);
  for (Revision revision = 1; revision <= 10; ++revision) {
    REQUIRE(read.absorb(defined("j" + std::to_string(revision), revision)));
  }
  REQUIRE(read.absorb(testing::lost(defined("j9", 9), 11)));
  read.let_go(9);
  CHECK(read.revision() == 10);
  f.table->install(std::move(read), kEpoch, 0s);
  CHECK(f.table->jobs() == 1);
  f.table->let_go(11);
  CHECK(f.table->jobs() == 0);
}

TEST_CASE("job table: reading the bucket afresh wakes only those whose job differs") {
  Fixture f;
  f.apply(defined("same", 1));
  f.apply(defined("moved", 2));
  f.apply(defined("gone", 3));
  TestWaiter same, moved, gone, coming(Condition::exists());
  REQUIRE(f.park_for_change("same", same) == Parked::kParked);
  REQUIRE(f.park_for_change("moved", moved) == Parked::kParked);
  REQUIRE(f.park_for_change("gone", gone) == Parked::kParked);
  REQUIRE(f.park("coming", coming) == Parked::kParked);
  BucketRead read(100);
  REQUIRE(read.absorb(defined("same", 1)));
  REQUIRE(read.absorb(defined("moved", 2)));
  REQUIRE(read.absorb(happened("moved", 4, EventKind::kStarted, "a")));
  REQUIRE(read.absorb(defined("coming", 5)));
  f.table->install(std::move(read), kEpoch, 0s);
  CHECK(moved.wait_answer()->snapshot->status == Status::kProcessing);
  CHECK(gone.wait_answer()->outcome == Outcome::kGone);
  CHECK(coming.wait_answer()->outcome == Outcome::kDone);
  CHECK(f.table->parked() == 1);
  f.apply(happened("same", 6, EventKind::kStarted, "a"));
  CHECK(same.wait_answer()->outcome == Outcome::kChanged);
  CHECK(f.table->applied_revision() == 6);
}

TEST_CASE("job table: a new epoch is a change for everybody") {
  Fixture f;
  f.apply(defined("build-7", 1));
  TestWaiter waiter;
  REQUIRE(f.park_for_change("build-7", waiter) == Parked::kParked);
  BucketRead read(100);
  REQUIRE(read.absorb(defined("build-7", 1)));
  f.table->install(std::move(read), kEpoch + 1, 0s);
  CHECK(waiter.wait_answer()->snapshot->json.tag.epoch == kEpoch + 1);
}

TEST_CASE("job table: more snapshots than are kept are rendered again, and alike") {
  Fixture f(JobTable::Options{.shards = 1, .snapshots_max = 2});
  for (int i = 0; i < 10; ++i)
    f.apply(defined("j" + std::to_string(i), 1 + static_cast<Revision>(i)));
  std::vector<EntityTag> tags;
  tags.reserve(10);
  for (int i = 0; i < 10; ++i) tags.push_back(f.tag("j" + std::to_string(i)));
  for (int i = 0; i < 10; ++i)
    CHECK(f.tag("j" + std::to_string(i)) == tags[static_cast<std::size_t>(i)]);
}

TEST_CASE("job table: a job that did not succeed is final only after its retry grace") {
  Fixture f(JobTable::Options{.retry_grace = 30s});
  Entry failed = happened("build-7", 2, EventKind::kFailed, "a");
  failed.written = f.clock.wall_now();
  f.apply(defined("build-7", 1));
  f.apply(failed);
  CHECK_FALSE(f.look("build-7").snapshot->final);
  CHECK(f.look("build-7").snapshot->undecided);
  TestWaiter done(Condition::done()), succeeded(Condition::succeeded()), change,
      ended(Condition::final());
  REQUIRE(f.park("build-7", done) == Parked::kParked);
  REQUIRE(f.park("build-7", succeeded) == Parked::kParked);
  REQUIRE(f.park_for_change("build-7", change) == Parked::kParked);
  REQUIRE(f.park("build-7", ended) == Parked::kParked);
  f.clock.advance(29s);
  CHECK_FALSE(f.look("build-7").snapshot->final);

  SUBCASE("time alone makes it final, under another tag") {
    const EntityTag before = f.tag("build-7");
    f.clock.advance(1s);
    CHECK(done.wait_answer()->outcome == Outcome::kDone);
    CHECK_FALSE(succeeded.wait_answer()->snapshot->undecided);
    CHECK(ended.wait_answer()->snapshot->final);
    const auto answer = change.wait_answer();
    REQUIRE(answer);
    CHECK(answer->outcome == Outcome::kChanged);
    CHECK(answer->snapshot->final);
    CHECK(answer->snapshot->json.bytes.find("\"final\":true") != std::string::npos);
    CHECK(answer->snapshot->json.tag.revision == before.revision);
    CHECK(answer->snapshot->json.tag.hash != before.hash);
    CHECK(f.table->reopened() == 0);
  }
  SUBCASE("an event starts the grace anew, and success needs none") {
    Entry started = happened("build-7", 3, EventKind::kStarted, "b");
    started.written = f.clock.wall_now();
    f.apply(started);
    CHECK(change.wait_answer()->outcome == Outcome::kChanged);
    f.clock.advance(60s);
    CHECK_FALSE(f.look("build-7").snapshot->final);  // An agent is at work.
    CHECK_FALSE(done.answered());
    CHECK_FALSE(succeeded.answered());
    f.apply(happened("build-7", 4, EventKind::kCompleted, "b"));
    CHECK(done.wait_answer()->snapshot->status == Status::kCompleted);
    CHECK(succeeded.wait_answer()->snapshot->final);
    CHECK(ended.wait_answer()->snapshot->final);
    CHECK(f.table->reopened() == 0);
  }
}

TEST_CASE("job table: final jobs that move are counted") {
  Fixture f;
  f.apply(defined("build-7", 1));
  f.apply(happened("build-7", 2, EventKind::kFailed, "a"));
  CHECK(f.look("build-7").snapshot->final);
  f.apply(happened("build-7", 3, EventKind::kFailed, "a"));
  CHECK(f.table->reopened() == 0);
  f.apply(happened("build-7", 4, EventKind::kCompleted, "a"));
  CHECK(f.look("build-7").snapshot->status == Status::kCompleted);
  CHECK(f.table->reopened() == 1);
  f.apply(happened("build-7", 5, EventKind::kStarted, "a"));
  CHECK_FALSE(f.look("build-7").snapshot->final);
  CHECK(f.table->reopened() == 2);
  f.apply(happened("build-7", 6, EventKind::kCompleted, "a"));
  CHECK(f.look("build-7").snapshot->final);
  f.apply(deleted(defined("build-7", 1), 7));
  CHECK(f.table->reopened() == 2);
}

TEST_CASE("job table: success is out of reach only when nobody is at work") {
  Fixture f;
  f.apply(defined("build-7", 1));
  f.apply(happened("build-7", 2, EventKind::kFailed, "a"));
  f.apply(happened("build-7", 3, EventKind::kStarted, "a"));
  TestWaiter waiter(Condition::succeeded());
  REQUIRE(f.park("build-7", waiter) == Parked::kParked);
  f.apply(happened("build-7", 4, EventKind::kFailed, "a"));
  CHECK(waiter.wait_answer()->snapshot->status == Status::kFailed);
}

TEST_CASE("job table: its memory is counted, limited and given back") {
  const std::size_t empty = [] {
    Fixture f;
    f.apply(defined("a", 1));
    return f.table->memory();
  }();
  // The entries were written in 1970.
  const std::chrono::nanoseconds max_age = FakeClock().wall_now().time_since_epoch() + 100s;
  Fixture f(JobTable::Options{.shards = 2, .memory_max = 3 * empty + 100}, max_age);
  const auto rejected = [&](const Entry& entry) { return f.table->apply(entry).rejected; };
  f.apply(defined("a", 1));
  f.apply(defined("b", 2));
  f.apply(defined("c", 3));
  CHECK(f.table->memory() == 3 * empty);
  CHECK(rejected(defined("d", 4)) == RejectReason::kTableFull);
  CHECK(f.look("d").snapshot == nullptr);
  CHECK(f.table->jobs() == 3);
  CHECK(rejected(happened("a", 5, EventKind::kFailed, "a", std::string(200, 'e'))) ==
        RejectReason::kTableFull);
  CHECK(f.table->memory() == 3 * empty);
  f.apply(deleted(defined("c", 3), 6));
  CHECK(f.table->memory() == 2 * empty);
  const Entry started = happened("a", 7, EventKind::kStarted, "a", std::string(200, 'e'));
  f.apply(started);
  Entry longer = started;
  longer.revision = 8;
  std::get<Event>(longer.what).error = std::string(2000, 'e');
  CHECK(rejected(longer) == RejectReason::kTableFull);
  CHECK(f.look("a").snapshot->status == Status::kProcessing);
  f.apply(
      testing::lost(longer, 8));  // As Intake does it: the bucket does not have the entry any more.
  CHECK(f.look("a").snapshot->status == Status::kSubmitted);
  CHECK(f.table->memory() == 2 * empty);

  SUBCASE("by a read of the bucket") {
    BucketRead read(100, 0, f.table->memory_max());
    REQUIRE(read.absorb(defined("a", 1)));
    REQUIRE(read.absorb(defined("b", 2)));
    REQUIRE(read.absorb(defined("c", 3)));
    CHECK(read.absorb(defined("d", 4)).rejected == RejectReason::kTableFull);
    REQUIRE(read.absorb(deleted(defined("a", 1), 5)));
    read.let_go(2);
    f.table->install(std::move(read), kEpoch, max_age);
    CHECK(f.table->memory() == 2 * empty);
  }
  SUBCASE("by what the bucket pushes out") {
    f.table->let_go(2);
    CHECK(f.table->memory() == empty);
  }
  SUBCASE("by age") {
    f.clock.advance(200s);
    CHECK(eventually([&] { return f.table->memory() == 0; }));
  }
}

namespace {

// So large that it is rendered without the shard's lock.
void grow(Fixture& f, const std::string& id, Revision from) {
  for (Revision i = 0; i < 400; ++i) {
    f.apply(happened(id, from + i, EventKind::kStarted, "a", std::string(1000, 'e')));
  }
}

}  // namespace

TEST_CASE("job table: a large job is rendered apart, and its waiters hear of it as of any") {
  Fixture f(JobTable::Options{.shards = 1});
  f.apply(broadcast("large", 1));
  grow(f, "large", 10);
  TestWaiter change, done(Condition::done()), timeout(Condition::done(), f.clock.now() + 5s),
      gone(Condition::final());
  REQUIRE(f.park_for_change("large", change) == Parked::kParked);
  REQUIRE(f.park("large", done) == Parked::kParked);
  REQUIRE(f.park("large", timeout) == Parked::kParked);
  f.apply(happened("large", 500, EventKind::kStarted, "b"));
  auto answer = change.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kChanged);
  CHECK(answer->snapshot->json.tag.revision == 500);

  f.apply(happened("large", 501, EventKind::kStarted, "c"));
  // The clock may jump during the rendering: then the renderer rests.
  CHECK(eventually([&] {
    f.clock.advance(5s);
    return timeout.answered();
  }));
  answer = timeout.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kTimeout);
  CHECK(answer->snapshot->json.tag.revision == 501);

  for (Revision i = 0; i < 3; ++i) {
    f.apply(happened("large", 510 + i, EventKind::kCompleted,
                     std::string(1, static_cast<char>('a' + i))));
  }
  CHECK_FALSE(done.answered());
  // Its settle time counts only after it was judged, which happens when it was rendered.
  CHECK(eventually([&] {
    f.clock.advance(2s);
    return done.answered();
  }));
  CHECK(done.wait_answer()->snapshot->json.tag.revision == 512);

  // It was not rendered since it changed: parking renders it first.
  f.apply(happened("large", 600, EventKind::kStarted, "d"));
  REQUIRE(f.park("large", gone) == Parked::kParked);
  f.apply(deleted(broadcast("large", 1), 700));
  CHECK(gone.wait_answer()->outcome == Outcome::kGone);

  f.apply(broadcast("large", 701));
  TestWaiter drained(Condition::final());
  REQUIRE(f.park("large", drained) == Parked::kParked);
  f.apply(happened("large", 800, EventKind::kStarted, "e"));
  f.table->drain();
  CHECK(drained.wait_answer()->snapshot->json.tag.revision == 800);
}

TEST_CASE("job table: what a large job loses while it is rendered is not shown any more") {
  Fixture f(JobTable::Options{.shards = 1});
  f.apply(broadcast("large", 1));
  grow(f, "large", 10);
  for (Revision i = 0; i < 40; ++i) {
    const Revision revision = 1000 + 3 * i;
    const Entry short_lived = happened("large", revision, EventKind::kStarted, "short-lived");
    f.apply(short_lived);
    f.apply(happened("large", revision + 1, EventKind::kStarted, "a"));  // It stays the newest.
    auto looked = std::async(std::launch::async, [&f] { (void)f.look("large"); });
    // Sooner or later within the rendering.
    looked.wait_for(std::chrono::microseconds(100 * i));
    f.apply(testing::lost(short_lived, revision + 2));
    looked.get();
    const bool shown =
        f.look("large").snapshot->json.bytes.find("short-lived") != std::string::npos;
    REQUIRE_FALSE(shown);
  }
}

TEST_CASE("job table: patches lead on from a large job that changes while it is rendered") {
  Fixture f(JobTable::Options{.shards = 1});
  f.apply(broadcast("large", 1));
  grow(f, "large", 10);
  Waiter::Terms followed;
  followed.patches = true;
  const auto look = [&] { return f.table->look("large", followed, f.clock.now()).snapshot; };
  EntityTag before = look()->json.tag;
  for (Revision i = 0; i < 40; ++i) {
    const Revision revision = 1000 + 2 * i;
    f.apply(happened("large", revision, EventKind::kStarted, "a"));
    auto looked = std::async(std::launch::async, look);
    looked.wait_for(std::chrono::microseconds(100 * i));
    f.apply(happened("large", revision + 1, EventKind::kStarted, "a"));
    const EntityTag between = looked.get()->json.tag;
    const auto now = look();
    REQUIRE(now->json.tag.revision == revision + 1);
    for (const EntityTag& tag : {before, between}) {
      std::string joined;
      const bool leads_on = tag == now->json.tag || !now->chain->find(tag, joined).empty();
      REQUIRE(leads_on);
    }
    before = now->json.tag;
  }
}

TEST_CASE("job table: snapshots are kept up to a number of bytes") {
  Fixture f(JobTable::Options{.shards = 1, .snapshot_bytes_max = 1 << 20});
  std::vector<std::weak_ptr<const Snapshot>> snapshots;
  for (int i = 0; i < 4; ++i) {
    const std::string id = "large-" + std::to_string(i);
    f.apply(defined(id, 1 + 1000 * static_cast<Revision>(i)));
    grow(f, id, 10 + 1000 * static_cast<Revision>(i));
    snapshots.push_back(f.look(id).snapshot);
  }
  CHECK(snapshots[0].expired());
  CHECK_FALSE(snapshots[3].expired());
}

}  // namespace
}  // namespace bide
