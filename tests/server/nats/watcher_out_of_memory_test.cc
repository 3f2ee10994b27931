// Each allocation of the watcher's thread fails once while it follows a bucket. It must either go
// on or give up, and nothing else may happen.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>

#include "server/nats/watcher.h"
#include "tests/failing_allocator.h"
#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using testing::eventually;
using testing::TestBucket;
using testing::TestNats;

// In steps, so that the test ends soon. A prime, so that it hits all repeated allocations.
constexpr long kFirstAllocations = 12;
constexpr long kStep = 7;
constexpr long kAllocationsMax = 200;

// The end of a watcher whose nth allocation failed.
struct Trial {
  bool failed = false;  // There was such an allocation.
  bool gave_up = false;
  bool settled = false;  // The watcher followed the bucket, or gave up.
};

Trial try_one(const std::string& url, TestBucket& bucket, long nth) {
  std::atomic<bool> gave_up{false};
  JobTable table(system_clock(), {}, nullptr);
  Contact contact;
  Metrics metrics;
  Watcher watcher(
      {.nats_urls = url, .follow = {}, .credentials = {}, .out_of_memory = [&] { gave_up = true; }},
      table, contact, metrics);
  const std::string id = "job-" + std::to_string(nth);
  testing::fail_allocation(nth, false);
  watcher.start();
  bucket.define(id);
  bucket.happen(id, "started");
  Trial trial;
  trial.settled = eventually([&] {
    const auto look = table.look(id, Waiter::Terms{}, system_clock().now());
    return gave_up || (look.snapshot != nullptr && look.snapshot->status == Status::kProcessing);
  });
  trial.failed = testing::stop_failing() > 0;
  trial.gave_up = gave_up;
  watcher.stop();
  table.close();
  return trial;
}

// Must run first: when this process has logged, a child has a log without its thread.
TEST_CASE("watcher: giving up is exit code 1, and one line in the log") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    Watcher::end_for_want_of_memory();
  }
  ::close(ends[1]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
  std::array<char, 4096> bytes{};
  const ssize_t got = ::read(ends[0], bytes.data(), bytes.size());
  ::close(ends[0]);
  REQUIRE(got > 0);
  const std::string log(bytes.data(), static_cast<std::size_t>(got));
  CHECK(log.find("out of memory") != std::string::npos);
  CHECK(log.find('\n') == log.size() - 1);
}

TEST_CASE("watcher: without memory it goes on or gives up, whichever allocation fails") {
  testing::exempt_this_thread();
  const TestNats nats;
  TestBucket bucket(nats);
  int gave_up = 0;
  for (long nth = 1; nth < kAllocationsMax; nth += nth < kFirstAllocations ? 1 : kStep) {
    INFO("allocation ", nth);
    const Trial trial = try_one(nats.url(), bucket, nth);
    CHECK(trial.settled);
    gave_up += trial.gave_up ? 1 : 0;
    if (!trial.settled || !trial.failed) break;
  }
  CHECK(gave_up > 10);
}

}  // namespace
}  // namespace bide
