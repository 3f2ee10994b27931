// tests/core/table/overview_fixture.h: A table that has read an empty bucket, and requests to its
// overview.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/table/overview.h"
#include "tests/core/job/entries.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/fake_clock.h"

namespace bide::testing {

struct OverviewFixture {
  static constexpr Epoch kEpoch = 42;

  FakeClock clock;
  std::unique_ptr<JobTable> table;

  explicit OverviewFixture(JobTable::Options options = {}, std::chrono::nanoseconds max_age = {}) {
    table = std::make_unique<JobTable>(clock, options, nullptr);
    table->install(BucketRead(options.jobs_max), kEpoch, max_age);
  }
  Overview& overview() { return table->overview(); }
  void apply(const Entry& entry) { REQUIRE(table->apply(entry)); }
  void install(const std::vector<Entry>& entries, Epoch epoch) {
    BucketRead read(1000);
    for (const Entry& entry : entries) REQUIRE(read.absorb(entry));
    table->install(std::move(read), epoch, {});
  }

  std::shared_ptr<const Snapshot> page(const Target& target) {
    return table->look(target, {}, clock.now()).snapshot;
  }
  std::shared_ptr<const Snapshot> statistics() { return page(Statistics()); }
  std::string job_json(const std::string& id) {
    return table->look(id, {}, clock.now()).snapshot->json.bytes;
  }
  Parked park(const Target& target, TestWaiter& waiter) {
    Look look;
    return table->park(target, waiter, 0, clock.now(), look);
  }
  // As a client that has `seen`.
  Parked park_after(const Target& target, const Snapshot& seen, TestWaiter& waiter) {
    waiter.terms.seen = *ValidatorList::parse(seen.json.etag());
    return park(target, waiter);
  }
};

inline std::string counts_json(const StatusCounts& counts) {
  std::string json = "\"status_counts\":{";
  for (const Status status : kAllStatuses) {
    if (status != Status::kSubmitted) json += ',';
    json.append("\"").append(word_of(status)).append("\":");
    json += std::to_string(counts[static_cast<std::size_t>(status)]);
  }
  return json + '}';
}

// In the order of kAllStatuses.
inline std::string statistics_json(const StatusCounts& counts) {
  std::size_t total = 0;
  for (const std::size_t count : counts) total += count;
  return "{\"total_jobs\":" + std::to_string(total) + ',' + counts_json(counts) + '}';
}

}  // namespace bide::testing
