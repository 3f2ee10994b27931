#include "server/nats/stream_tail.h"

#include <doctest/doctest.h>

#include <future>

#include "core/table/catch_up.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::TestBucket;
using testing::TestNats;

// A table in step with a bucket, and the tail of its stream.
struct Followed {
  explicit Followed(const std::string& url)
      : watcher({url, {.heartbeat = 60s}}, table, contact, metrics),
        tail("job-queue", watcher, contact, metrics) {
    watcher.start();
  }
  ~Followed() {
    watcher.stop();
    table.close();
  }
  bool ready() {
    return eventually([&] { return contact.ready(); });
  }
  // Where the stream ends. {}: no answer.
  Position::Place end() { return tail.read().value_or(Tail::Report{}).end; }
  bool comes_to(Revision revision) {
    return eventually([&] { return table.position().revision() == revision; });
  }

  JobTable table{system_clock(), {}, nullptr};
  Contact contact;
  Metrics metrics;
  Watcher watcher;
  StreamTail tail;
};

}  // namespace

TEST_CASE("stream tail: it is where the table comes to, garbage and deletions included") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.put("jobs.garbage", "{");
  Followed followed(nats.url());
  REQUIRE(followed.ready());
  CHECK(followed.table.position().get() == followed.end());
  bucket.put("jobs.more-garbage", "{");
  CHECK(followed.comes_to(3));
  CHECK(followed.table.applied_revision() == 1);
  bucket.define("build-8");
  bucket.erase("jobs.build-8");
  CHECK(followed.comes_to(5));
  CHECK(followed.table.position().get() == followed.end());
  bucket.purge();
  CHECK(followed.table.position().get() == followed.end());
  CHECK(followed.metrics.tail_requests == 3);

  Followed later(nats.url());
  REQUIRE(later.ready());
  CHECK(later.table.position().get() == later.end());
}

TEST_CASE("stream tail: a server that hangs gives no answer, and does not hold up the end") {
  const TestNats nats;
  TestBucket bucket(nats);
  Followed followed(nats.url());
  REQUIRE(followed.ready());
  followed.table.catch_up().start(followed.tail);
  nats.signal(SIGSTOP);
  TestWaiter waiter({}, system_clock().now() + 300ms);
  const auto parked = followed.table.catch_up().park(waiter, 0);
  const auto answer = waiter.wait_answer();
  const TimePoint began = system_clock().now();
  followed.watcher.stop();
  followed.table.close();
  const auto took = system_clock().now() - began;
  nats.signal(SIGCONT);
  CHECK(parked == Parked::kParked);
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kTimeout);
  CHECK(took < 1s);
  CHECK_FALSE(followed.tail.read().has_value());
}

TEST_CASE("stream tail: what is said over another connection is told apart") {
  const TestNats nats;
  TestBucket bucket(nats);
  Followed followed(nats.url());
  REQUIRE(followed.ready());
  const auto before = followed.tail.read();
  REQUIRE(before);
  CHECK(followed.tail.read()->link == before->link);
  Followed other(nats.url());
  REQUIRE(other.ready());
  CHECK(other.tail.read()->link != before->link);
  nats.signal(SIGKILL);
  CHECK(eventually([&] {
    const auto report = followed.tail.read();
    return report && report->link != before->link && report->end == before->end;
  }));
}

TEST_CASE("stream tail: a doubt has the bucket compared with what was delivered, soon") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Followed followed(nats.url());
  REQUIRE(followed.ready());
  CHECK(followed.metrics.reconciles == 0);
  bucket.purge();
  followed.tail.doubt();
  CHECK(eventually([&] { return followed.table.jobs() == 0; }));
  CHECK(eventually(
      [&] { return followed.metrics.all_resyncs() == 1; }));  // It is counted a moment later.
}

}  // namespace bide
