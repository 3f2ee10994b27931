// Streams without news, on a fake clock.
#include <doctest/doctest.h>

#include <string>

#include "tests/fake_clock.h"
#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::happened;
using testing::kBothRoads;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;

// A server all of whose targets are the stream of job build-7.
struct SilentServer {
  explicit SilentServer(Road road)
      : resource({clock, table.table, table.freshness, table.admission, table.http_metrics},
                 {.event = "job",
                  .path = "/events",
                  .open = road == Road::kEvents ? open_event_stream : open_web_socket,
                  .opened = &HttpMetrics::event_streams,
                  .parked_on = ParkedOn::kJobEvents}) {
    table.instead = [this](const http::Request& request, Exchange& exchange) {
      exchange.serve_by(resource);
      exchange.target() = JobId("build-7");
      resource.handle(request, exchange);
    };
    table.apply(defined("build-7", 1));
  }
  ~SilentServer() { table.stop(); }  // Before what it uses goes.

  FakeClock clock;
  ServedTable table{{}, {}, clock};
  StreamResource resource;
};

StreamReader begin(SilentServer& server, Road road) {
  StreamReader reader(server.table, road, "build-7");
  CHECK(reader.gist() == "hello");
  CHECK(reader.gist() == "job submitted");
  REQUIRE(server.table.wait_parked(1));
  return reader;
}

// The longest that a heartbeat may be away, and the shortest: up to a sixteenth earlier.
std::chrono::milliseconds longest(Road road) { return road == Road::kEvents ? 15s : 25s; }
std::chrono::milliseconds shortest(Road road) { return longest(road) * 15 / 16; }

const std::string kPong = client_frame(Opcode::kPong, "");

// Sends, and waits until the server has read it and waits for news again.
void be_heard(SilentServer& server, StreamReader& reader, const std::string& frames) {
  reader.client().send(frames + client_frame(Opcode::kPing, "?"));
  CHECK(reader.next().event == "pong");
  REQUIRE(server.table.wait_parked(1));
}

}  // namespace

TEST_CASE("stream heartbeat: comes in silence, again and again") {
  for (const Road road : kBothRoads) {
    SilentServer server(road);
    StreamReader reader = begin(server, road);
    for (int i = 0; i < 3; ++i) {
      server.clock.advance(shortest(road) - 1ms);
      CHECK(server.table.table.parked() == 1);
      server.clock.advance(longest(road) - shortest(road) + 1ms);
      CHECK(reader.next().event == (road == Road::kEvents ? "hb" : "ping"));
      if (road == Road::kSocket) be_heard(server, reader, kPong);
      REQUIRE(server.table.wait_parked(1));
    }
    CHECK(server.table.http_metrics.sum(&HttpTally::stream_records) == 1);
  }
}

TEST_CASE("stream heartbeat: is not put off by news") {
  for (const Road road : kBothRoads) {
    SilentServer server(road);
    StreamReader reader = begin(server, road);
    server.clock.advance(shortest(road) - 1ms);
    server.table.apply(happened("build-7", 2, EventKind::kStarted, "a"));
    CHECK(reader.gist() == "job processing");
    REQUIRE(server.table.wait_parked(1));
    server.clock.advance(longest(road) - shortest(road) + 1ms);
    CHECK(reader.next().event == (road == Road::kEvents ? "hb" : "ping"));
  }
}

TEST_CASE("stream heartbeat: ends the stream when NATS is away, and the client may come again") {
  for (const Road road : kBothRoads) {
    SilentServer server(road);
    StreamReader reader = begin(server, road);
    server.table.contact.heard(server.clock.now() - 1h);
    server.clock.advance(longest(road));
    CHECK(reader.gist() == (road == Road::kEvents ? "close" : "close 1013"));
  }
}

TEST_CASE("stream heartbeat: a WebSocket that leaves a ping unanswered is closed") {
  SilentServer server(Road::kSocket);
  StreamReader reader = begin(server, Road::kSocket);
  server.clock.advance(25s);
  CHECK(reader.next().event == "ping");
  REQUIRE(server.table.wait_parked(1));
  server.table.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  CHECK(reader.gist() == "job processing");  // That it can be written to does not show it lives.
  REQUIRE(server.table.wait_parked(1));
  server.clock.advance(25s);
  CHECK(reader.gist() == "close 1002");
  CHECK(server.table.wait_parked(0));
}

TEST_CASE("stream heartbeat: a WebSocket in the middle of its message twice is closed") {
  SilentServer server(Road::kSocket);
  StreamReader reader = begin(server, Road::kSocket);
  be_heard(server, reader, client_frame(Opcode::kText, "{\"au", {.fin = false}));
  server.clock.advance(25s);
  CHECK(reader.next().event == "ping");
  be_heard(server, reader, kPong);
  server.clock.advance(25s);
  CHECK(reader.gist() == "close 1002");
}

TEST_CASE(
    "stream_heartbeat: after tokens were read again a stream ends, and its client comes again") {
  for (const Road road : kBothRoads) {
    SilentServer server(road);
    StreamReader reader = begin(server, road);
    server.table.admission.on_reloaded();
    server.clock.advance(longest(road));
    CHECK(reader.gist() == (road == Road::kSocket ? "close 1013" : "close"));
  }
}

}  // namespace bide
