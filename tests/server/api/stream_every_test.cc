// Streams with `every`, on a fake clock.
#include <doctest/doctest.h>

#include <string>

#include "server/api/feed_resource.h"
#include "tests/fake_clock.h"
#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::deleted;
using testing::happened;
using testing::kBothRoads;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;

// All its targets are one stream: of job build-7, of the statistics, or the feed.
struct PacedServer {
  StreamResource::Context context() {
    return {clock, table.table, table.freshness, table.admission, table.http_metrics};
  }
  explicit PacedServer(Road road, Target target = JobId("build-7"))
      : stream(context(), {.event = "job",
                           .ends = std::holds_alternative<JobId>(target),
                           .path = "/events",
                           .open = road == Road::kEvents ? open_event_stream : open_web_socket,
                           .opened = &HttpMetrics::event_streams,
                           .parked_on = ParkedOn::kJobEvents}),
        feed(context()) {
    table.instead = [this, target](const http::Request& request, Exchange& exchange) {
      StreamResource& resource = std::holds_alternative<Feed>(target) ? feed : stream;
      exchange.serve_by(resource);
      exchange.target() = target;
      resource.handle(request, exchange);
    };
  }
  ~PacedServer() { table.stop(); }  // Before what it uses goes.

  // Time passes while the stream is parked.
  void pass(std::chrono::milliseconds time) {
    REQUIRE(table.wait_parked(1));
    clock.advance(time);
  }
  // Nothing is sent at this time.
  void check_silent(StreamReader& reader) {
    REQUIRE(table.wait_parked(1));
    CHECK(reader.client().waits_for_bytes(20ms));
  }

  FakeClock clock;
  ServedTable table{{}, {}, clock};
  StreamResource stream;
  FeedResource feed;
};

}  // namespace

TEST_CASE("stream every: the first state comes at once, then the newest at the end of each rest") {
  for (const Road road : kBothRoads) {
    PacedServer server(road);
    server.table.apply(defined("build-7", 1));
    StreamReader reader(server.table, road, "build-7", "?every=2s");
    CHECK(reader.gist() == "hello");
    CHECK(reader.gist() == "job submitted");
    REQUIRE(server.table.wait_parked(1));
    server.table.apply(happened("build-7", 2, EventKind::kAcknowledged, "a"));
    server.table.apply(happened("build-7", 3, EventKind::kStarted, "a"));
    server.check_silent(reader);
    server.pass(1999ms);
    server.check_silent(reader);
    server.pass(1ms);
    const std::string data = reader.next().data;
    CHECK(data.find("\"revision\":3}") != std::string::npos);
    // After a rest without news the next change is sent at once.
    server.pass(2s);
    server.check_silent(reader);
    server.table.apply(happened("build-7", 4, EventKind::kStarted, "b"));
    CHECK(reader.next().data.find("\"revision\":4}") != std::string::npos);
    CHECK(server.table.http_metrics.sum(&HttpTally::stream_records) == 3);
  }
}

TEST_CASE("stream every: the last state and the end are not delayed") {
  for (const Road road : kBothRoads) {
    PacedServer server(road);
    server.table.apply(defined("build-7", 1));
    StreamReader reader(server.table, road, "build-7", "?every=60s");
    CHECK(reader.gist() == "hello");
    CHECK(reader.gist() == "job submitted");
    REQUIRE(server.table.wait_parked(1));
    server.table.apply(happened("build-7", 2, EventKind::kStarted, "a"));
    server.table.apply(happened("build-7", 3, EventKind::kFailed, "a"));
    CHECK(reader.gist() == "job failed");
    CHECK(reader.gist() == "end failed");
    CHECK(reader.gist().starts_with("close"));
  }
}

TEST_CASE("stream every: until ends it, too, and a job that is deleted is gone at once") {
  PacedServer server(Road::kEvents);
  server.table.apply(defined("build-7", 1));
  StreamReader until(server.table, Road::kEvents, "build-7", "?every=60s&until=processing");
  StreamReader gone(server.table, Road::kEvents, "build-7", "?every=60s");
  for (StreamReader* const reader : {&until, &gone}) {
    CHECK(reader->gist() == "hello");
    CHECK(reader->gist() == "job submitted");
  }
  REQUIRE(server.table.wait_parked(2));
  server.table.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  CHECK(until.gist() == "job processing");
  CHECK(until.gist() == "end processing");
  server.table.apply(deleted(defined("build-7", 1), 3));
  CHECK(gone.gist() == "gone");
}

TEST_CASE("stream every: rests do not put the heartbeat off") {
  PacedServer server(Road::kEvents);
  server.table.apply(defined("build-7", 1));
  StreamReader reader(server.table, Road::kEvents, "build-7", "?every=60s");
  CHECK(reader.gist() == "hello");
  CHECK(reader.gist() == "job submitted");
  for (int i = 0; i < 3; ++i) {
    server.pass(15s);
    CHECK(reader.next().event == "hb");
  }
}

TEST_CASE("stream every: statistics rest, too") {
  for (const Road road : kBothRoads) {
    PacedServer server(road, Statistics{});
    StreamReader reader(server.table, road, "status", "?every=2s");
    CHECK(reader.gist() == "hello");
    CHECK(reader.next().data.starts_with("{\"total_jobs\":0"));
    REQUIRE(server.table.wait_parked(1));
    server.table.apply(defined("build-7", 1));
    server.pass(1999ms);
    server.check_silent(reader);
    server.pass(1ms);
    CHECK(reader.next().data.starts_with("{\"total_jobs\":1"));
  }
}

TEST_CASE("stream every: the feed tells each job once in a round, then rests") {
  PacedServer server(Road::kEvents, Feed{});
  StreamReader reader(server.table, Road::kEvents, "events", "?every=2s");
  CHECK(reader.gist() == "hello");
  REQUIRE(server.table.wait_parked(1));
  server.table.apply(defined("build-1", 1));
  CHECK(reader.next().data.starts_with("{\"id\":\"build-1\""));
  REQUIRE(server.table.wait_parked(1));
  Revision revision = 1;
  for (int times = 0; times < 3; ++times) {
    for (int job = 0; job < 100; ++job) {  // More than a batch.
      const std::string id = "build-" + std::to_string(job);
      server.table.apply(times == 0 && job != 1 ? defined(id, ++revision)
                                                : happened(id, ++revision, EventKind::kStarted,
                                                           "a" + std::to_string(times)));
    }
  }
  server.check_silent(reader);
  server.pass(2s);
  for (int job = 0; job < 100; ++job) {
    const std::string start = "{\"id\":\"build-" + std::to_string(job) + "\"";
    CHECK(reader.next().data.starts_with(start));
  }
  server.check_silent(reader);
}

TEST_CASE("stream every: a stream that rests is ended when the server stops") {
  for (const Target& target : {Target(JobId("build-7")), Target(Statistics{}), Target(Feed{})}) {
    PacedServer server(Road::kEvents, target);
    server.table.apply(defined("build-7", 1));
    StreamReader reader(server.table, Road::kEvents, "any",
                        "?every=60s&last_event_id=2a-0-0123456789abcdef");
    CHECK(reader.gist() == "hello");
    CHECK(reader.gist().find("job") == 0);
    REQUIRE(server.table.wait_parked(1));
    server.table.stop();
    CHECK(reader.gist() == "close");
  }
}

}  // namespace bide
