// tests/core/table/job_set_fixture.h: A table whose sets of jobs are tested, and a clock to turn by
// hand.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/table/job_sets.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/fake_clock.h"

namespace bide::testing {

inline constexpr Epoch kEpoch = 42;

inline JobSetPtr set_of(const std::vector<std::string>& ids, bool match_any) {
  return std::make_shared<const JobSetQuery>(
      JobSetQuery{std::vector<JobId>(ids.begin(), ids.end()), match_any});
}
inline JobSetPtr all_of(const std::vector<std::string>& ids) { return set_of(ids, false); }
inline JobSetPtr any_of(const std::vector<std::string>& ids) { return set_of(ids, true); }

// A table that has read an empty bucket.
struct JobSetFixture {
  FakeClock clock;
  JobTable table;
  Revision revision = 0;

  explicit JobSetFixture(JobTable::Options options = {}) : table(clock, options, nullptr) {
    table.install(BucketRead(options.jobs_max), kEpoch, {});
  }
  JobSets& sets() { return table.sets(); }
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

  Look look(const JobSetPtr& set, const Waiter::Terms& terms = {}) {
    return table.look(set, terms, clock.now());
  }
  Status status(const JobSetPtr& set) { return look(set).snapshot->status; }
  Verdict verdict(const JobSetPtr& set, Condition condition) {
    Waiter::Terms terms;
    terms.condition = condition;
    return look(set, terms).verdict;
  }
  Parked park(const JobSetPtr& set, TestWaiter& waiter) {
    Look look;
    return table.park(set, waiter, 0, clock.now(), look);
  }
  // Parks for a change of the set as it is now.
  Parked park_for_change(const JobSetPtr& set, TestWaiter& waiter) {
    waiter.terms.seen = ValidatorList(look(set).snapshot->json.tag);
    return park(set, waiter);
  }
};

// The answer, which must come. A default one fails the test that reads it.
inline Answer answer_of(TestWaiter& waiter) {
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  return *answer;
}

// Waits until the notifier of the job's shard has dealt with what has been applied: whose deadline
// has passed when it is parked is answered after those whose job changed before.
inline void let_notifier_see(JobSetFixture& f, const std::string& id) {
  TestWaiter last(Condition::any_change(), f.clock.now());
  last.terms.seen = ValidatorList(f.table.look(id, {}, f.clock.now()).snapshot->json.tag);
  Look look;
  REQUIRE(f.table.park(id, last, 0, f.clock.now(), look) == Parked::kParked);
  REQUIRE(last.wait_answer());
}

}  // namespace bide::testing
