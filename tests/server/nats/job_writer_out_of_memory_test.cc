// Each allocation of a write that is submitted fails once. Its request is parked then, so nothing
// may be thrown to the thread that has submitted it.
#include <doctest/doctest.h>

#include <memory>

#include "core/table/job_table.h"
#include "server/nats/job_writer.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/failing_allocator.h"
#include "tests/fake_clock.h"

namespace bide {
namespace {

// A submitted write whose nth allocation fails. False: so many allocations are not made.
bool survives(long nth) {
  FakeClock clock;
  JobTable table(clock, {}, nullptr);
  Metrics metrics;
  JobWriter writer("job-queue", clock, table.writes(), metrics);  // Without NATS.
  const auto write = std::make_shared<Write>();
  write->entry.value = std::string(JobWriter::kBytesPerClientMax, 'x');
  REQUIRE(writer.take_room(*write) == Writer::Room::kTaken);
  TestWaiter waiter;
  waiter.terms.places = 0;
  waiter.terms.deadline = clock.now() + kWritePatience;
  Look look;
  REQUIRE(table.park(write, waiter, 0, clock.now(), look) == Parked::kParked);
  testing::fail_allocation(nth, false);
  writer.submit(write);
  const bool failed = testing::stop_failing() > 0;
  clock.advance(kWritePatience);
  CHECK(waiter.wait_answer());
  CHECK(writer.take_room(*write) == Writer::Room::kTaken);
  table.close();
  return failed;
}

}  // namespace

TEST_CASE("job_writer: without memory a write is answered at its deadline, and its room is free") {
  long nth = 1;
  while (survives(nth)) ++nth;
  CHECK(nth > 2);
}

}  // namespace bide
