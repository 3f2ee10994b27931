// Requests parked on their own writes.
#include "core/table/writes.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <future>
#include <thread>

#include "core/table/job_table.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/eventually.h"
#include "tests/fake_clock.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::eventually;
using End = Write::End;

struct Fixture {
  explicit Fixture(std::size_t parked_max = 100, Executor* executor = nullptr)
      : table(clock, {.parked_max = parked_max}, executor) {
    read_afresh(42, 7);
  }
  ~Fixture() { table.close(); }
  void read_afresh(Epoch epoch, Revision revision) {
    BucketRead read(10);
    read.reach(revision);
    table.install(std::move(read), epoch, 0s);
  }
  Parked park(TestWaiter& waiter, const WritePtr& write) {
    waiter.terms.places = 0;
    waiter.terms.deadline = clock.now() + kWritePatience;
    Look look;
    return table.park(write, waiter, 0, clock.now(), look);
  }
  // Until the notifier has looked since: a write that stored nothing is answered at once.
  void settle() {
    TestWaiter waiter;
    const auto write = std::make_shared<Write>();
    REQUIRE(park(waiter, write) == Parked::kParked);
    table.writes().finish(write, {.end = End::kAway});
    REQUIRE(waiter.wait_answer());
  }

  FakeClock clock;
  JobTable table;
};

// Counts how often somebody goes to sleep on it.
class CountingClock final : public Clock {
 public:
  TimePoint now() const override { return clock_.now(); }
  WallTime wall_now() const override { return clock_.wall_now(); }
  void wait_until(CondVar& cond, Mutex& mutex, TimePoint deadline) override REQUIRES(mutex) {
    ++sleeps;
    clock_.wait_until(cond, mutex, deadline);
  }
  std::atomic<int> sleeps{0};

 private:
  FakeClock clock_;
};

// Keeps tasks until the test runs them.
class Tasks final : public Executor {
 public:
  void run(std::function<void()> task) override {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  bool any() {
    MutexLock lock(mutex_);
    return !tasks_.empty();
  }
  void run_one() {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }

 private:
  Mutex mutex_;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
};

Outcome outcome_of(TestWaiter& waiter) {
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->snapshot == nullptr);
  return answer->outcome;
}

}  // namespace

TEST_CASE("writes: answered when the table shows what was stored") {
  Fixture f;
  TestWaiter waiter;
  const auto write = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  f.table.writes().finish(write, {.end = End::kStored, .revision = 9});
  f.settle();
  CHECK_FALSE(waiter.answered());
  f.table.reach(8);
  f.settle();
  CHECK_FALSE(waiter.answered());
  f.table.reach(9);
  CHECK(outcome_of(waiter) == Outcome::kDone);
  CHECK(write->end == End::kStored);
}

TEST_CASE("writes: an answer that takes long ends its task, so that the thread serves others") {
  for (const bool slow : {false, true}) {
    CAPTURE(slow);
    Tasks tasks;
    Fixture f(100, &tasks);
    std::deque<TestWaiter> waiters(5);
    for (TestWaiter& waiter : waiters) {
      if (slow) waiter.while_answered = [&] { f.clock.advance(2ms); };
      const auto write = std::make_shared<Write>();
      REQUIRE(f.park(waiter, write) == Parked::kParked);
      f.table.writes().finish(write, {.end = End::kStored, .revision = 9});
    }
    f.table.reach(9);
    REQUIRE(eventually([&] { return tasks.any(); }));
    std::size_t run = 0;
    for (; tasks.any(); ++run) tasks.run_one();
    CHECK(run == (slow ? waiters.size() : 1));
    for (TestWaiter& waiter : waiters) CHECK(outcome_of(waiter) == Outcome::kDone);
  }
}

TEST_CASE("writes: the table may be faster than the acknowledgement") {
  Fixture f;
  TestWaiter waiter;
  const auto write = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  f.table.reach(9);
  f.table.writes().finish(write, {.end = End::kSame, .revision = 9, .job_id = "other"});
  CHECK(outcome_of(waiter) == Outcome::kDone);
  CHECK(write->job_id == "other");
}

TEST_CASE("writes: each is answered at its own revision, whatever the order of acknowledgements") {
  Fixture f;
  std::deque<TestWaiter> waiters(20);
  std::deque<WritePtr> writes;
  for (TestWaiter& waiter : waiters) {
    writes.push_back(std::make_shared<Write>());
    REQUIRE(f.park(waiter, writes.back()) == Parked::kParked);
  }
  for (std::size_t i = waiters.size(); i-- > 0;) {
    f.table.writes().finish(writes[i], {.end = End::kStored, .revision = 10 + i});
  }
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    f.settle();
    CHECK_FALSE(waiters[i].answered());
    f.table.reach(10 + i);
    CHECK(outcome_of(waiters[i]) == Outcome::kDone);
  }
}

TEST_CASE("writes: at the deadline nothing more is written to the write") {
  Fixture f;
  TestWaiter waiter, lagging;
  const auto write = std::make_shared<Write>();
  const auto stored = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  REQUIRE(f.park(lagging, stored) == Parked::kParked);
  f.table.writes().finish(stored, {.end = End::kStored, .revision = 100});
  f.clock.advance(kWritePatience);
  CHECK(outcome_of(waiter) == Outcome::kTimeout);
  CHECK(outcome_of(lagging) == Outcome::kTimeout);
  CHECK(stored->end == End::kStored);
  f.table.writes().finish(write, {.end = End::kStored, .revision = 8});
  CHECK(write->end == End::kPending);
  f.table.reach(100);
  f.settle();
}

TEST_CASE("writes: of a stream that was made anew nothing is waited for") {
  Fixture f;
  TestWaiter waiter;
  const auto write = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  f.table.writes().finish(write, {.end = End::kStored, .revision = 1000});
  f.settle();
  CHECK_FALSE(waiter.answered());
  f.read_afresh(43, 1);
  CHECK(outcome_of(waiter) == Outcome::kDone);
}

TEST_CASE("writes: a client that left is forgotten, and its write ends in silence") {
  Fixture f;
  TestWaiter waiter;
  const auto write = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  REQUIRE(waiter.try_claim());
  f.table.unpark(write, waiter);
  f.table.writes().finish(write, {.end = End::kStored, .revision = 8});
  f.table.reach(8);
  f.settle();
  CHECK_FALSE(waiter.answered());
  TestWaiter gone;
  REQUIRE(gone.try_claim());
  CHECK(f.park(gone, std::make_shared<Write>()) == Parked::kGone);
}

TEST_CASE("writes: draining lets those under way finish, and takes no others") {
  Fixture f;
  TestWaiter waiter, late;
  const auto write = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  auto drained = std::async(std::launch::async, [&] { f.table.drain(); });
  REQUIRE(eventually([&] {
    TestWaiter probe;
    const auto other = std::make_shared<Write>();
    const Parked parked = f.park(probe, other);
    if (parked == Parked::kParked) {
      f.table.writes().finish(other, {.end = End::kAway});
      REQUIRE(probe.wait_answer());
    }
    return parked == Parked::kDraining;
  }));
  CHECK_FALSE(waiter.answered());
  f.table.writes().finish(write, {.end = End::kStored, .revision = 8});
  f.table.reach(8);
  CHECK(outcome_of(waiter) == Outcome::kDone);
  drained.get();
}

TEST_CASE("writes: one after the other, each wakes the notifier once, when the table shows it") {
  CountingClock clock;
  ParkingPlaces places(1);
  Position position;
  position.restart(42, 7);
  Writes writes(clock, nullptr, places, position);
  REQUIRE(eventually([&] { return clock.sleeps == 1; }));
  int sleeps = 2;  // The first has to wake it for its deadline, too.
  for (Revision revision = 8; revision < 11; ++revision) {
    TestWaiter waiter;
    waiter.terms.places = 0;
    waiter.terms.deadline = clock.now() + kWritePatience;
    const auto write = std::make_shared<Write>();
    REQUIRE(writes.park(*write, waiter, 0) == Parked::kParked);
    REQUIRE(eventually([&] { return clock.sleeps >= sleeps; }));
    writes.finish(write, {.end = End::kStored, .revision = revision});
    std::this_thread::sleep_for(5ms);  // It must stay asleep.
    CHECK(clock.sleeps == sleeps);
    position.advance(revision);
    writes.progressed();
    CHECK(outcome_of(waiter) == Outcome::kDone);
    ++sleeps;
    REQUIRE(eventually([&] { return clock.sleeps >= sleeps; }));
  }
  position.advance(100);
  writes.progressed();
  std::this_thread::sleep_for(5ms);
  CHECK(clock.sleeps == sleeps);  // Nobody waits for this.
  writes.begin_drain();
  writes.finish_drain();
  writes.stop();
}

TEST_CASE("writes: they take no places of those who are held") {
  Fixture f(0);
  TestWaiter waiter;
  const auto write = std::make_shared<Write>();
  REQUIRE(f.park(waiter, write) == Parked::kParked);
  f.table.writes().finish(write, {.end = End::kRefused, .why = "full"});
  CHECK(outcome_of(waiter) == Outcome::kDone);
  CHECK(write->why == "full");
}

}  // namespace bide
