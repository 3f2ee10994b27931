// tests/core/table/job_set_fixture.h: A table, the lot of its sets, and a clock that tests set.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/table/job_set_lot.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/fake_clock.h"

namespace bide::testing {

using Parked = Lot::Parked;

inline constexpr Epoch kEpoch = 42;

inline std::string all_of(std::vector<std::string> ids) {
  return JobSetQuery{std::move(ids)}.key();
}
inline std::string any_of(std::vector<std::string> ids) {
  return JobSetQuery{std::move(ids), true}.key();
}

// A table that has read an empty bucket, and the lot over it.
struct JobSetFixture {
  FakeClock clock;
  JobTable table;
  std::unique_ptr<JobSetLot> lot;
  Revision revision = 0;

  explicit JobSetFixture(JobTable::Options options = {}) : table(clock, options, nullptr) {
    table.install(BucketRead(options.jobs_max), kEpoch, {});
    lot = std::make_unique<JobSetLot>(table, clock);
  }
  ~JobSetFixture() {
    table.drain();
    lot.reset();
  }
  void apply(const Entry& entry) { REQUIRE(table.apply(entry)); }
  void define(const std::string& id) { apply(defined(id, ++revision)); }
  // For unknown agents: it is done only when it has settled.
  void broadcast(const std::string& id) {
    apply(defined(id, ++revision, about("jobs.query._all")));
  }
  void happen(const std::string& id, EventKind kind, std::string_view agent = "a") {
    apply(happened(id, ++revision, kind, agent));
  }
  void complete(const std::string& id) { happen(id, EventKind::kCompleted); }
  void remove(const std::string& id) { apply(deleted(defined(id, 1), ++revision)); }

  Lot::Look look(const std::string& key, const Waiter::Terms& terms = {}) {
    return lot->look(key, terms, clock.now());
  }
  Status status(const std::string& key) { return look(key).snapshot->status; }
  Verdict verdict(const std::string& key, Condition condition) {
    Waiter::Terms terms;
    terms.condition = condition;
    return look(key, terms).verdict;
  }
  Parked park(const std::string& key, TestWaiter& waiter) {
    Lot::Look look;
    return lot->park(key, waiter, 0, clock.now(), look);
  }
  // Parks for a change of the current state of the set.
  Parked park_for_change(const std::string& key, TestWaiter& waiter) {
    waiter.terms.seen = ValidatorList(look(key).snapshot->json.tag);
    return park(key, waiter);
  }
};

// The answer, which must come. A default one fails the test that reads it.
inline Answer answer_of(TestWaiter& waiter) {
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  return *answer;
}

// Waits until the notifier of the job's shard has handled all entries so far. A waiter that is
// parked after its deadline is answered after waiters whose job changed before.
inline void let_notifier_see(JobSetFixture& f, const std::string& id) {
  TestWaiter last(Condition::any_change(), f.clock.now());
  last.terms.seen = ValidatorList(f.table.look(id, {}, f.clock.now()).snapshot->json.tag);
  Lot::Look look;
  REQUIRE(f.table.park(id, last, 0, f.clock.now(), look) == Parked::kParked);
  REQUIRE(last.wait_answer());
}

}  // namespace bide::testing
