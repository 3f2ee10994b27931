#include "server/nats/watcher.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "tests/core/parking/test_waiter.h"
#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::TestBucket;
using testing::TestNats;

// Longer than any test waits, so that no heartbeat can help.
constexpr auto kNoHeartbeat = 60s;

// A job table that a watcher keeps in step with a bucket.
struct Watched {
  explicit Watched(const std::string& url, Follower::Settings follow = {})
      : watcher({url, std::move(follow)}, table, contact, metrics) {
    watcher.start();
  }
  ~Watched() {
    watcher.stop();
    table.close();
  }

  bool ready() {
    return eventually([&] { return contact.ready(); });
  }
  // Empty: no such job.
  std::string json_of(const std::string& id) {
    const auto look = table.look(id, Waiter::Terms{}, system_clock().now());
    return look.snapshot == nullptr ? "" : look.snapshot->json.bytes;
  }
  bool comes_to(const std::string& id, Status status) {
    return eventually([&] {
      const auto look = table.look(id, Waiter::Terms{}, system_clock().now());
      return look.snapshot != nullptr && look.snapshot->status == status;
    });
  }
  bool goes(const std::string& id) {
    return eventually([&] { return json_of(id).empty(); });
  }
  std::uint64_t rejected(RejectReason reason) const {
    return metrics.entries_rejected[static_cast<std::size_t>(reason)].load();
  }

  JobTable table{system_clock(), {}, nullptr};
  Contact contact;
  Metrics metrics;
  Watcher watcher;
};

// The park() of a waiter that must not be ready yet.
void park(Watched& watched, const std::string& id, TestWaiter& waiter) {
  Look look;
  REQUIRE(watched.table.park(id, waiter, 0, system_clock().now(), look) == Parked::kParked);
}

TEST_CASE("watcher: earlier entries of the bucket are there as soon as it is ready") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.happen("build-7", "started");
  bucket.define("build-8");
  bucket.define("gone");
  bucket.erase("jobs.gone");

  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat});
  REQUIRE(watched.ready());
  CHECK(watched.table.jobs() == 2);
  CHECK(watched.comes_to("build-7", Status::kProcessing));
  CHECK(watched.comes_to("build-8", Status::kSubmitted));
  CHECK(watched.table.epoch() == bucket.state().epoch);
  CHECK(watched.contact.connected());
  CHECK(watched.metrics.all_resyncs() == 0);
}

TEST_CASE("watcher: the metrics show its progress, rejected entries included") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.put("jobs.build-8", "no JSON");
  Watched watched(nats.url());
  REQUIRE(watched.ready());
  CHECK(watched.metrics.revision_delivered.load() == 2);
  CHECK(watched.metrics.revision_known.load() == 2);
  bucket.happen("build-7", "started");
  bucket.put("jobs.build-9", "nor this");
  CHECK(eventually([&] { return watched.metrics.revision_delivered.load() == 4; }));
  CHECK(watched.metrics.revision_known.load() == 4);
  CHECK(watched.table.applied_revision() == 3);
}

TEST_CASE("watcher: entries pending behind a delivery are known to exist") {
  Metrics metrics;
  metrics.begin_stream(10);
  metrics.deliver(3, 9);
  CHECK(metrics.revision_known.load() == 12);
  metrics.deliver(11, 0);
  CHECK(metrics.revision_known.load() == 12);
  metrics.correct_known(0);  // The server's count was wrong.
  CHECK(metrics.revision_known.load() == 11);
  metrics.know(15);
  metrics.correct_known(15);
  CHECK(metrics.revision_known.load() == 15);
}

TEST_CASE("watcher: a missing bucket is created where that is wanted, and an empty one is ready") {
  const TestNats nats;
  Watched watched(nats.url(), {.bucket = "brand-new", .create_bucket = true});
  REQUIRE(watched.ready());
  CHECK(watched.table.jobs() == 0);
  const auto state = read_bucket_state(*nats.connect(), "brand-new");
  REQUIRE(std::holds_alternative<BucketState>(state));
  CHECK(watched.table.epoch() == std::get<BucketState>(state).epoch);
}

TEST_CASE("watcher: a bucket with another configuration is used as it is") {
  const TestNats nats;
  TestBucket bucket(nats, 5, 1h);
  bucket.define("build-7");
  for (int i = 0; i < 4; ++i) bucket.define("build-7");
  Watched watched(nats.url());
  REQUIRE(watched.ready());
  CHECK(watched.comes_to("build-7", Status::kSubmitted));
  CHECK(watched.metrics.entries_applied.load() == 1);
}

TEST_CASE("watcher: messages on other subjects are no entries of the bucket") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.bind("jobs.*");
  bucket.define("build-7");
  bucket.put_raw("jobs.forged", R"({"id":"forged"})");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat});
  REQUIRE(watched.ready());
  CHECK(watched.table.jobs() == 1);
  CHECK(watched.rejected(RejectReason::kKey) == 1);
}

TEST_CASE("watcher: entries wake waiters, and deleting the definition ends the job") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Watched watched(nats.url());
  REQUIRE(watched.ready());

  TestWaiter done(Condition::done());
  park(watched, "build-7", done);
  bucket.happen("build-7", "started", "5");
  REQUIRE(watched.comes_to("build-7", Status::kProcessing));
  CHECK_FALSE(done.answered());
  bucket.happen("build-7", "completed", "6");
  const auto answer = done.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kDone);
  CHECK(answer->snapshot->json.tag.revision == bucket.state().last_seq);

  bucket.define("build-8");
  REQUIRE(watched.comes_to("build-8", Status::kSubmitted));
  TestWaiter gone(Condition::done());
  park(watched, "build-8", gone);
  bucket.erase("jobs.build-8");
  const auto farewell = gone.wait_answer();
  REQUIRE(farewell);
  CHECK(farewell->outcome == Outcome::kGone);
}

TEST_CASE("watcher: garbage is counted and changes nothing, live or in the first read") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.happen("build-7", "started");
  Watched live(nats.url());
  REQUIRE(live.comes_to("build-7", Status::kProcessing));
  const std::string before = live.json_of("build-7");

  std::mt19937 random(7);
  std::string noise(4096, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  bucket.put("jobs.noise", noise);
  bucket.put("jobs.empty", "");
  bucket.put("jobs.latin", "{\"id\":\"latin\",\"created\":\"\xff\xfe\"}");
  bucket.put("jobs.deep", std::string(100'000, '['));
  bucket.put("jobs.huge", std::string(2 << 20, 'x'));
  bucket.put("jobs", "{}");
  bucket.put("jobs.a.b", "{}");
  bucket.put("elsewhere.build-7", "{}");
  bucket.put("jobs.gr\xc3\xbc\xc3\x9f", "{}");
  bucket.put("status.build-7.exploded.a1.7", "{}");
  bucket.put("status.build-7.failed.a1.7", R"({"job_id":"build-8","event":"failed"})");
  bucket.define("last");
  REQUIRE(live.comes_to("last", Status::kSubmitted));

  CHECK(live.json_of("build-7") == before);
  CHECK(live.table.jobs() == 2);
  CHECK(live.rejected(RejectReason::kSize) == 1);
  CHECK(live.rejected(RejectReason::kKey) >= 5);
  CHECK(live.metrics.all_resyncs() == 0);
  std::uint64_t rejected = 0;
  for (const Counter& counter : live.metrics.entries_rejected) rejected += counter.load();
  CHECK(rejected == 11);

  Watched later(nats.url());
  REQUIRE(later.ready());
  CHECK(later.table.jobs() == 2);
  rejected = 0;
  for (const Counter& counter : later.metrics.entries_rejected) rejected += counter.load();
  CHECK(rejected == 11);
}

TEST_CASE("watcher: an entry overwritten by garbage is not in the bucket any more") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.happen("build-7", "started");
  bucket.define("build-8");
  bucket.happen("build-7", "failed", "6");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat, .reconcile_interval = 1h});
  REQUIRE(watched.comes_to("build-7", Status::kFailed));
  SUBCASE("an event") {
    bucket.put("status.build-7.failed.a1.6", "no JSON");
    CHECK(watched.comes_to("build-7", Status::kProcessing));
  }
  SUBCASE("too large an event") {
    bucket.put("status.build-7.failed.a1.6", std::string((1 << 20) + 1, ' '));
    CHECK(watched.comes_to("build-7", Status::kProcessing));
  }
  SUBCASE("a definition") {
    bucket.put("jobs.build-7", "no JSON");
    CHECK(watched.goes("build-7"));
  }
  CHECK_FALSE(watched.json_of("build-8").empty());
  CHECK(watched.metrics.all_resyncs() == 0);
  Watched fresh(nats.url());
  REQUIRE(fresh.ready());
  CHECK(fresh.json_of("build-7") == watched.json_of("build-7"));
}

// A worker that may write only the keys of one job can do each of these.
TEST_CASE("watcher: a worker does not have the bucket read again, whatever it writes") {
  const TestNats nats;
  TestBucket bucket(nats, 5);
  bucket.define("build-7");
  bucket.define("build-8");
  Watched watched(nats.url(), {.heartbeat = 100ms, .reconcile_interval = 20ms});
  REQUIRE(watched.ready());
  for (int i = 0; i < 20; ++i) {
    bucket.happen("build-7", "started");
    bucket.put("status.build-7.started.a1.5", "{}");
    bucket.put("jobs.build-7", "{}");
    bucket.put("jobs.build-7", std::string((1 << 20) + 1, ' '));
    bucket.erase("status.build-7.started.a1.5");
    // An entry that is rolled up before it is delivered would be a gap, which is another case.
    const Revision last = bucket.state().last_seq;
    REQUIRE(eventually([&] { return watched.table.position().revision() == last; }));
    bucket.roll_up("status.build-7.started.a1.5", "", "sub");
    bucket.roll_up("jobs.build-7", "", "sub");
    bucket.define("build-7");
    const std::uint64_t before = watched.metrics.reconciles.load();
    REQUIRE(eventually([&] { return watched.metrics.reconciles.load() > before; }));
  }
  CHECK(watched.comes_to("build-7", Status::kSubmitted));
  CHECK(watched.metrics.all_resyncs() <= 1);  // A gap may cause a read, at most every 5 s.
}

TEST_CASE("watcher: a rollup takes everything else out at once, and is no reason to read again") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.define("build-8");
  bucket.happen("build-8", "completed");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat, .reconcile_interval = 1h});
  REQUIRE(watched.ready());  // Shards show a read one after the other.
  REQUIRE(watched.comes_to("build-8", Status::kCompleted));
  TestWaiter waiter(Condition::done());
  park(watched, "build-7", waiter);
  const std::string value = R"({"id":"build-8","created":"2026-01-31T12:00:00Z"})";
  bucket.roll_up("jobs.build-8", value);
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kGone);
  CHECK(watched.comes_to("build-8", Status::kSubmitted));
  // Many times, with other entries in between.
  for (int i = 0; i < 50; ++i) {
    bucket.define("build-9");
    bucket.roll_up("jobs.build-8", value, "ALL");
  }
  CHECK(watched.goes("build-9"));
  CHECK(watched.table.jobs() == 1);
  CHECK(watched.metrics.all_resyncs() == 0);
  CHECK(watched.metrics.reconciles.load() < 100);
  Watched fresh(nats.url());
  REQUIRE(fresh.ready());
  CHECK(fresh.json_of("build-8") == watched.json_of("build-8"));
}

TEST_CASE("watcher: entries that a full bucket drops leave, without a read of the bucket") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.limit(4);
  bucket.define("build-7");
  bucket.define("build-8");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat, .reconcile_interval = 20ms});
  REQUIRE(watched.ready());
  TestWaiter waiter(Condition::done());
  park(watched, "build-7", waiter);
  for (int i = 0; i < 3; ++i) bucket.define("next-" + std::to_string(i));
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kGone);
  CHECK_FALSE(watched.json_of("build-8").empty());
  for (int i = 0; i < 100; ++i) bucket.define("later-" + std::to_string(i));
  CHECK(watched.comes_to("later-99", Status::kSubmitted));
  CHECK(eventually([&] { return watched.table.jobs() == 4; }));
  CHECK(watched.metrics.all_resyncs() == 0);
}

TEST_CASE("watcher: entries after a purge are not added to purged ones") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.happen("build-7", "started");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat, .reconcile_interval = 1h});
  REQUIRE(watched.comes_to("build-7", Status::kProcessing));
  TestWaiter waiter(Condition::any_change());
  waiter.terms.seen = ValidatorList(
      watched.table.look("build-7", Waiter::Terms{}, system_clock().now()).snapshot->json.tag);
  park(watched, "build-7", waiter);
  bucket.purge("status.build-7.>");
  bucket.happen("build-7", "skipped", "6", "a2");
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  REQUIRE(answer->snapshot != nullptr);
  CHECK(answer->snapshot->status == Status::kSkipped);
}

// New entries come all the time, without a pause for a heartbeat. The writer waits for every
// hundredth: nats-server 2.10 and later queue what comes faster than they store it, and deliver
// nothing for seconds.
TEST_CASE("watcher: a read ends though entries are written faster than they are read") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  const auto connection = nats.connect();
  std::atomic<bool> all_written = false;
  const std::jthread writer([&](const std::stop_token& stop) {
    const std::string subject = subject_prefix_of(TestBucket::kName) + "jobs.job-";
    for (int i = 0; i < 2'000'000 && !stop.stop_requested(); ++i) {
      const std::string key = subject + std::to_string(i);
      if (i % 100 != 0) {
        natsConnection_PublishString(connection->handle(), key.c_str(), "{}");
      } else {
        js_Publish(nullptr, connection->jetstream(), key.c_str(), "{}", 2, nullptr, nullptr);
      }
    }
    all_written = !stop.stop_requested();
  });
  REQUIRE(eventually([&] { return bucket.state().entries > 10'000; }));
  Watched watched(nats.url());
  CHECK(watched.ready());
  CHECK_FALSE(all_written);
}

// An entry that is overwritten before its turn is not delivered; the new one comes last.
TEST_CASE("watcher: a read misses no job that is written again meanwhile") {
  constexpr int kJobs = 2000;
  const TestNats nats;
  TestBucket bucket(nats);
  const auto connection = nats.connect();
  const std::string subject = subject_prefix_of(TestBucket::kName) + "jobs.job-";
  const auto define = [&](int job) {
    const std::string id = std::to_string(job);
    const std::string value = R"({"id":"job-)" + id +
                              R"(","created":"2026-01-31T12:00:00Z","operation":{"n":)" + id + "}}";
    natsConnection_PublishString(connection->handle(), (subject + id).c_str(), value.c_str());
  };
  for (int job = 0; job < kJobs; ++job) define(job);
  REQUIRE(eventually([&] { return bucket.state().entries == kJobs; }));
  const std::jthread writer([&](const std::stop_token& stop) {
    for (int job = kJobs - 1; !stop.stop_requested(); job = (job + kJobs - 7) % kJobs) {
      define(job);
      natsConnection_Flush(connection->handle());  // At the server's pace.
    }
  });
  for (int i = 0; i < 20; ++i) {
    Watched watched(nats.url());
    while (!watched.contact.ready()) std::this_thread::yield();
    REQUIRE(watched.table.jobs() == kJobs);
  }
}

// nats-server 2.9 then goes on at the entry with the header, and does not deliver those before it.
TEST_CASE("watcher: a read misses no job where a key is rolled up meanwhile") {
  constexpr int kJobs = 20'000;
  const TestNats nats;
  TestBucket bucket(nats);
  const auto connection = nats.connect();
  const std::string subject = subject_prefix_of(TestBucket::kName) + "jobs.";
  const auto value_of = [](const std::string& id) {
    return R"({"id":")" + id + R"(","created":"2026-01-31T12:00:00Z","operation":{}})";
  };
  for (int job = 0; job < kJobs; ++job) {
    const std::string id = "job-" + std::to_string(job);
    natsConnection_PublishString(connection->handle(), (subject + id).c_str(),
                                 value_of(id).c_str());
  }
  REQUIRE(eventually([&] { return bucket.state().entries == kJobs; }));
  for (int i = 0; i < 5; ++i) {
    Watched watched(nats.url());
    while (watched.metrics.revision_delivered.load() == 0) std::this_thread::yield();
    bucket.roll_up("jobs.job-0", value_of("job-0"), "sub");
    REQUIRE(watched.ready());
    CHECK(watched.table.jobs() == kJobs);
  }
}

TEST_CASE("watcher: a backlog larger than the flow window arrives whole") {
  constexpr int kJobs = 500;
  const TestNats nats;
  TestBucket bucket(nats);
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = "build-" + std::to_string(i);
    std::string value = R"({"id":")";
    value.append(id).append(R"(","created":"2026-01-31T12:00:00Z","operation":{"text":")");
    value.append(10'000, 'o').append("\"}}");
    bucket.put("jobs." + id, value);
  }
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat});
  REQUIRE(watched.ready());
  CHECK(watched.table.jobs() == kJobs);
  CHECK(watched.metrics.all_resyncs() == 0);
}

TEST_CASE("watcher: nats-server is killed and comes back: no false wake-up, and changes arrive") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat});
  REQUIRE(watched.ready());
  TestWaiter waiter(Condition::done());
  park(watched, "build-7", waiter);

  nats.signal(SIGKILL);
  REQUIRE(eventually([&] { return watched.metrics.resumes.load() == 1; }));
  CHECK(watched.metrics.all_resyncs() == 0);
  CHECK(watched.metrics.nats_reconnects.load() == 1);
  CHECK_FALSE(waiter.answered());
  bucket.happen("build-7", "completed");
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kDone);
}

TEST_CASE("watcher: a server that falls silent is not fresh, and is followed on when it speaks") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Watched watched(nats.url(), {.heartbeat = 100ms});
  REQUIRE(watched.ready());
  nats.signal(SIGSTOP);
  const bool stale =
      eventually([&] { return watched.contact.last_heard() + 1s < system_clock().now(); });
  nats.signal(SIGCONT);
  CHECK(stale);
  REQUIRE(eventually([&] { return watched.metrics.resumes.load() > 0; }));
  CHECK(watched.metrics.all_resyncs() == 0);
  bucket.happen("build-7", "completed");
  CHECK(watched.comes_to("build-7", Status::kCompleted));
}

TEST_CASE("watcher: a bucket deleted and created again is read again") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("old");
  bucket.define("both");
  Watched watched(nats.url(), {.heartbeat = 100ms});
  REQUIRE(watched.ready());
  const Epoch first = watched.table.epoch();
  TestWaiter waiter(Condition::done());
  park(watched, "old", waiter);

  bucket.remove();
  bucket.create();
  bucket.define("both");
  const auto answer = waiter.wait_answer();
  REQUIRE(answer);
  CHECK(answer->outcome == Outcome::kGone);
  CHECK(watched.goes("old"));
  CHECK(watched.comes_to("both", Status::kSubmitted));
  REQUIRE(eventually([&] { return watched.metrics.all_resyncs() > 0; }));
  CHECK(watched.table.epoch() != first);
}

TEST_CASE("watcher: a bucket that stays away is created again, empty, where that is wanted") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Watched watched(nats.url(), {.create_bucket = true, .heartbeat = 100ms});
  REQUIRE(watched.ready());
  bucket.remove();
  CHECK(watched.goes("build-7"));
  bucket.define("build-8");
  CHECK(watched.comes_to("build-8", Status::kSubmitted));
}

// A mirror of `origin`, or, if `other` is given, a bucket with both as sources.
void create_copy(const TestNats& nats, const char* bucket, const char* origin,
                 const char* other = nullptr) {
  const std::string name = stream_of(bucket);
  const std::string first = stream_of(origin);
  const std::string second = other == nullptr ? "" : stream_of(other);
  std::array<jsStreamSource, 2> sources;
  for (jsStreamSource& source : sources) jsStreamSource_Init(&source);
  sources[0].Name = first.c_str();
  sources[1].Name = second.c_str();
  std::array<jsStreamSource*, 2> pointers = {&sources[0], &sources[1]};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = name.c_str();
  if (other == nullptr) {
    config.Mirror = pointers[0];
  } else {
    config.Sources = pointers.data();
    config.SourcesLen = pointers.size();
  }
  REQUIRE(js_AddStream(nullptr, nats.connect()->jetstream(), &config, nullptr, nullptr) == NATS_OK);
}

TEST_CASE("watcher: a mirror has its origin's jobs, and a mirror of a mirror, too") {
  const TestNats nats;
  TestBucket origin(nats);
  origin.define("before");
  create_copy(nats, "edge", TestBucket::kName);
  create_copy(nats, "far-edge", "edge");
  Watched near(nats.url(), {.bucket = "edge", .heartbeat = 100ms});
  Watched far(nats.url(), {.bucket = "far-edge", .heartbeat = 100ms});
  for (Watched* watched : {&near, &far}) {
    REQUIRE(watched->ready());
    CHECK(watched->comes_to("before", Status::kSubmitted));
  }
  const auto first = read_bucket_state(*nats.connect(), TestBucket::kName);
  CHECK(near.table.epoch() == std::get<BucketState>(first).epoch);
  CHECK(far.table.epoch() == near.table.epoch());
  origin.define("after");
  origin.happen("after", "completed");
  origin.happen("before", "started");
  for (Watched* watched : {&near, &far}) {
    CHECK(watched->comes_to("after", Status::kCompleted));
    CHECK(watched->comes_to("before", Status::kProcessing));
  }
  origin.erase("jobs.before");
  for (Watched* watched : {&near, &far}) {
    CHECK(watched->goes("before"));
    CHECK(watched->rejected(RejectReason::kKey) == 0);
  }
}

TEST_CASE("watcher: a mirror whose origin was created again keeps tags of its own") {
  const TestNats nats;
  TestBucket origin(nats);
  origin.define("before");
  create_copy(nats, "edge", TestBucket::kName);
  {
    Watched watched(nats.url(), {.bucket = "edge", .heartbeat = 100ms});
    REQUIRE(watched.ready());
    CHECK(watched.comes_to("before", Status::kSubmitted));
  }
  origin.remove();
  REQUIRE_FALSE(create_bucket(*nats.connect(), TestBucket::kName));
  Watched watched(nats.url(), {.bucket = "edge", .heartbeat = 100ms});
  REQUIRE(watched.ready());
  const auto own = read_bucket_state(*nats.connect(), "edge");
  CHECK(watched.table.epoch() == std::get<BucketState>(own).epoch);
}

TEST_CASE("watcher: a bucket with two sources has the jobs of both") {
  const TestNats nats;
  TestBucket first(nats);
  REQUIRE_FALSE(create_bucket(*nats.connect(), "second"));
  first.define("one");
  create_copy(nats, "both", TestBucket::kName, "second");
  Watched watched(nats.url(), {.bucket = "both", .heartbeat = 100ms});
  REQUIRE(watched.ready());
  CHECK(watched.comes_to("one", Status::kSubmitted));
  first.put_raw("$KV.second.jobs.two", R"({"id":"two","operation":{}})");
  first.happen("one", "completed");
  CHECK(watched.comes_to("two", Status::kSubmitted));
  CHECK(watched.comes_to("one", Status::kCompleted));
  CHECK(watched.rejected(RejectReason::kKey) == 0);
}

// The names of all streams.
std::vector<std::string> buckets_at(const TestNats& nats) {
  return std::get<std::vector<std::string>>(list_buckets(*nats.connect()));
}

TEST_CASE("watcher: a bucket that does not exist is waited for and not created") {
  const TestNats nats;
  Watched watched(nats.url(), {.heartbeat = 100ms});
  REQUIRE(eventually([&] { return !watched.contact.obstacle().empty(); }));
  CHECK(watched.contact.obstacle() ==
        "the bucket job-queue does not exist; check --bucket, create it (nats kv add job-queue "
        "--history 1), or start bide serve with --create-bucket");
  CHECK_FALSE(watched.contact.ready());
  CHECK(buckets_at(nats).empty());

  TestBucket bucket(nats);
  bucket.define("build-7");
  REQUIRE(watched.ready());
  CHECK(watched.comes_to("build-7", Status::kSubmitted));
  CHECK(watched.contact.obstacle().empty());
  CHECK(buckets_at(nats) == std::vector<std::string>{"job-queue"});

  // It is not created again while it is watched, either.
  bucket.remove();
  REQUIRE(eventually([&] { return !watched.contact.obstacle().empty(); }));
  CHECK(buckets_at(nats).empty());
  bucket.create();
  bucket.define("build-8");
  CHECK(watched.comes_to("build-8", Status::kSubmitted));
  CHECK(watched.goes("build-7"));
  CHECK(watched.contact.obstacle().empty());
}

TEST_CASE("watcher: an unchanged bucket agrees with what was delivered") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Watched watched(nats.url(), {.reconcile_interval = 50ms});
  REQUIRE(watched.ready());
  bucket.happen("build-7", "started");
  REQUIRE(watched.comes_to("build-7", Status::kProcessing));
  bucket.erase("jobs.build-7");
  REQUIRE(watched.goes("build-7"));
  bucket.define("build-7");
  REQUIRE(watched.comes_to("build-7", Status::kProcessing));
  const std::uint64_t before = watched.metrics.reconciles.load();
  REQUIRE(eventually([&] { return watched.metrics.reconciles.load() > before + 2; }));
  CHECK(watched.metrics.all_resyncs() == 0);
}

// As many entries are written as are purged, so that the count stays equal.
TEST_CASE("watcher: a purge, which no entry tells of, is heard of") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  bucket.define("build-8");
  Watched watched(nats.url(), {.heartbeat = kNoHeartbeat, .reconcile_interval = 1h});
  REQUIRE(watched.ready());
  bucket.purge("jobs.build-7");
  bucket.define("build-9");
  CHECK(watched.goes("build-7"));
  CHECK(watched.comes_to("build-9", Status::kSubmitted));
  CHECK_FALSE(watched.json_of("build-8").empty());
}

TEST_CASE("watcher: a bucket that is configured anew is read again") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  Watched watched(nats.url(), {.reconcile_interval = 1h});
  REQUIRE(watched.ready());
  bucket.bind("jobs.*");
  CHECK(eventually([&] { return watched.metrics.all_resyncs() == 1; }));
}

TEST_CASE("watcher: without NATS it is not ready, goes on trying, and stops at once") {
  const testing::ScratchDir dir;
  Metrics metrics;
  std::string url;
  {
    EmbeddedNats nats({dir.path()}, metrics);
    nats.start();
    url = nats.url();
  }
  Watched watched(url, {.create_bucket = true});
  CHECK_FALSE(eventually([&] { return watched.contact.ready(); }, 1s));
  CHECK_FALSE(watched.contact.connected());
  CHECK(watched.contact.last_heard() == TimePoint::min());

  EmbeddedNats nats({dir.path()}, metrics);
  nats.start();
  REQUIRE(nats.url() == url);
  CHECK(watched.ready());

  Watched nowhere("nats://127.0.0.1:1");
  const TimePoint began = system_clock().now();
  nowhere.watcher.stop();
  CHECK(system_clock().now() - began < 1s);
}

TEST_CASE("watcher: stopping is prompt, with a server that follows and with one that hangs") {
  const TestNats nats;
  Watched following(nats.url(), {.create_bucket = true});
  Watched hanging(nats.url(), {.create_bucket = true, .heartbeat = 100ms});
  REQUIRE(following.ready());
  REQUIRE(hanging.ready());
  TimePoint began = system_clock().now();
  following.watcher.stop();
  CHECK(system_clock().now() - began < 1s);

  // After two seconds of silence the watcher is waiting for the answer to a request.
  nats.signal(SIGSTOP);
  const bool stale =
      eventually([&] { return hanging.contact.last_heard() + 2s < system_clock().now(); });
  began = system_clock().now();
  hanging.watcher.stop();
  CHECK(system_clock().now() - began < 1s);
  nats.signal(SIGCONT);
  CHECK(stale);
}

}  // namespace
}  // namespace bide
