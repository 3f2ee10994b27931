// The records of streams, over server-sent events and WebSocket alike.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using testing::about;
using testing::Client;
using testing::defined;
using testing::deleted;
using testing::happened;
using testing::kBothRoads;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::Told;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A plain GET's opaque tag, as a client would cut it from the ETag, and its body.
struct Plain {
  std::string tag;
  std::string body;
};
Plain get(const ServedTable& server, const std::string& job) {
  Client client = server.dial();
  client.send("GET /job/" + job + " HTTP/1.1\r\nHost: test\r\n\r\n");
  const std::string response = client.response();
  const std::size_t begin = response.find("\r\nETag: \"") + 9;
  return {response.substr(begin, response.find('"', begin) - begin),
          response.substr(response.find("\r\n\r\n") + 4)};
}

// What a stream that begins says before its first state.
void check_open(StreamReader& reader, Road road) {
  const Told open = reader.next();
  CHECK(open.event == "hello");
  CHECK(open.id.empty());
  CHECK(open.data ==
        (road == Road::kEvents ? "{\"heartbeat_seconds\":15}" : "{\"heartbeat_seconds\":25}"));
  if (road == Road::kEvents) CHECK(reader.retry == "2000");
}

const std::string kForeignTag = "1-1-0123456789abcdef";

}  // namespace

TEST_CASE("stream: the present state comes first, then the news in order, then the end") {
  for (const Road road : kBothRoads) {
    ServedTable server;
    server.apply(defined("build-7", 1));
    StreamReader reader(server, road, "build-7");
    check_open(reader, road);
    Revision revision = 1;
    for (const EventKind kind :
         {EventKind::kAcknowledged, EventKind::kStarted, EventKind::kCompleted}) {
      CHECK(reader.gist() == (revision == 1 ? "job submitted" : "job processing"));
      server.apply(happened("build-7", ++revision, kind, "a"));
    }
    CHECK(reader.gist() == "job completed");
    CHECK(reader.next() ==
          Told{.event = "end", .data = "{\"status\":\"completed\",\"final\":true}"});
    CHECK(reader.gist() == (road == Road::kEvents ? "close" : "close 1000"));
    CHECK(server.wait_parked(0));
    CHECK(server.http_metrics.sum(&HttpTally::stream_records) == 4);
  }
}

TEST_CASE("stream: a record is what a plain GET serves, and its id the ETag's opaque tag") {
  ServedTable server;
  Definition definition;
  definition.operation = "{\"name\": \"caf\\u00e9\\n\", \"n\": 1.50}";
  server.apply(defined("build-7", 1, definition));
  server.apply(happened("build-7", 2, EventKind::kFailed, "a", "no \"luck\""));
  const Plain plain = get(server, "build-7");
  REQUIRE(has(plain.body, definition.operation));
  for (const Road road : kBothRoads) {
    StreamReader reader(server, road, "build-7");
    check_open(reader, road);
    CHECK(reader.next() == Told{.event = "job", .id = plain.tag, .data = plain.body});
    CHECK(reader.gist() == "end failed");
    CHECK(reader.gist().starts_with("close"));
  }
}

TEST_CASE("stream: line ends within the JSON do not end a record") {
  ServedTable server;
  Definition definition;
  definition.operation = "{\n  \"a\": 1,\r\n\r\n  \"b\": [\n\n]\n}";
  server.apply(defined("build-7", 1, definition));
  StreamReader socket(server, Road::kSocket, "build-7");
  socket.next();
  CHECK(socket.next().data == get(server, "build-7").body);
  StreamReader events(server, Road::kEvents, "build-7");
  events.next();
  CHECK(has(events.next().data, "{   \"a\": 1,      \"b\": [  ] }"));
}

TEST_CASE("stream: a client that knows the present state is told the next one first") {
  for (const Road road : kBothRoads) {
    for (const bool by_field : {true, false}) {
      ServedTable server;
      server.apply(defined("build-7", 1));
      const std::string tag = get(server, "build-7").tag;
      StreamReader reader(server, road, "build-7", by_field ? "" : "?last_event_id=" + tag,
                          by_field ? "Last-Event-ID: " + tag + "\r\n" : "");
      check_open(reader, road);
      REQUIRE(server.wait_parked(1));
      server.apply(happened("build-7", 2, EventKind::kStarted, "a"));
      CHECK(reader.gist() == "job processing");
    }
  }
}

TEST_CASE("stream: an id of another state or server, or an invented one, begins at present") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  const std::string old = get(server, "build-7").tag;
  server.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  for (const Road road : kBothRoads) {
    for (const std::string& id : {old, kForeignTag, std::string("nonsense")}) {
      StreamReader reader(server, road, "build-7", "?last_event_id=" + id);
      check_open(reader, road);
      CHECK(reader.gist() == "job processing");
    }
  }
}

TEST_CASE("stream: a client that knows the last state is told that it was the last") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  server.apply(happened("build-7", 2, EventKind::kCompleted, "a"));
  const std::string resume = "?last_event_id=" + get(server, "build-7").tag;
  StreamReader events(server, Road::kEvents, "build-7", resume);
  CHECK(events.status() == 204);
  CHECK(has(events.head, "Cache-Control: no-store\r\n"));
  StreamReader socket(server, Road::kSocket, "build-7", resume);
  check_open(socket, Road::kSocket);
  CHECK(socket.next() == Told{.event = "end", .data = "{\"status\":\"completed\",\"final\":true}"});
  CHECK(socket.gist() == "close 1000");
}

TEST_CASE("stream: until and expect end it before the job is final") {
  for (const Road road : kBothRoads) {
    ServedTable server({}, {.settle = std::chrono::milliseconds(0)});
    server.apply(defined("all", 1, about("jobs.query._all")));
    StreamReader reader(server, road, "all", "?until=done&expect=2");
    check_open(reader, road);
    CHECK(reader.gist() == "job submitted");
    server.apply(happened("all", 2, EventKind::kCompleted, "a"));
    CHECK(reader.gist() == "job completed");
    REQUIRE(server.wait_parked(1));
    server.apply(happened("all", 3, EventKind::kCompleted, "b"));
    CHECK(reader.gist() == "job completed");
    CHECK(reader.next() ==
          Told{.event = "end", .data = "{\"status\":\"completed\",\"final\":false}"});
    CHECK(reader.gist().starts_with("close"));
  }
}

TEST_CASE("stream: a job that is deleted is told to be gone") {
  for (const Road road : kBothRoads) {
    ServedTable server;
    server.apply(defined("build-7", 1));
    StreamReader reader(server, road, "build-7");
    check_open(reader, road);
    CHECK(reader.gist() == "job submitted");
    server.apply(deleted(defined("build-7", 1), 2));
    CHECK(reader.next() == Told{.event = "gone", .data = "{\"id\":\"build-7\"}"});
    CHECK(reader.gist() == (road == Road::kEvents ? "close" : "close 1000"));
  }
}

TEST_CASE("stream: an unknown job and a query that makes no sense are refused as anywhere") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  for (const Road road : kBothRoads) {
    StreamReader unknown(server, road, "nobody");
    CHECK(unknown.status() == 404);
    CHECK(has(unknown.head, "Content-Type: application/problem+json\r\n"));
    StreamReader bad(server, road, "build-7", "?until=finished");
    CHECK(bad.status() == 400);
  }
  CHECK(server.http_metrics.event_streams + server.http_metrics.web_sockets == 0);
}

TEST_CASE("stream: HEAD has the head of GET and nothing more, where there is one") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  Client events = server.dial();
  events.send("HEAD /job/build-7/events HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head = events.response(true);
  StreamReader get(server, Road::kEvents, "build-7");
  const auto without_date = [](std::string text) { return text.erase(17, 37); };
  CHECK(without_date(head) == without_date(get.head));
  CHECK(events.at_end());
  Client socket = server.dial();
  socket.send("HEAD /job/build-7/ws HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(socket.response(true).starts_with("HTTP/1.1 426 "));
}

TEST_CASE("stream: with HTTP/1.0 events end with their connection, and no WebSocket is opened" *
          doctest::skip(testing::speak_http2())) {
  ServedTable server;
  server.apply(defined("build-7", 1));
  StreamReader events(server.dial(), Road::kEvents, "GET /job/build-7/events HTTP/1.0\r\n\r\n");
  CHECK_FALSE(has(events.head, "Transfer-Encoding"));
  CHECK(has(events.head, "Connection: close\r\n"));
  check_open(events, Road::kEvents);
  CHECK(events.gist() == "job submitted");
  server.apply(happened("build-7", 2, EventKind::kSkipped, "a"));
  CHECK(events.gist() == "job skipped");
  CHECK(events.gist() == "end skipped");
  CHECK(events.gist() == "close");

  std::string request = testing::stream_request(Road::kSocket, "build-7");
  request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0");
  StreamReader socket(server.dial(), Road::kSocket, request);
  CHECK(socket.status() == 426);
}

TEST_CASE("stream: progress comes at intervals, and what is no progress at once") {
  for (const Road road : kBothRoads) {
    ServedTable server;
    server.apply(defined("build-7", 1));
    StreamReader reader(server, road, "build-7");
    check_open(reader, road);
    CHECK(reader.gist() == "job submitted");
    const auto began = std::chrono::steady_clock::now();
    Revision revision = 1;
    for (int i = 1; i <= 50; ++i) {
      server.apply(testing::progressed("build-7", ++revision, "a", std::to_string(i)));
    }
    std::string data;
    int records = 0;
    for (; !has(data, R"("percent":50)"); ++records) {
      data = reader.next().data;
      REQUIRE(has(data, R"("agent_states":{"a":{"progress":{"percent":)"));
    }
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(records <= 2 + took / kProgressInterval);
    server.apply(testing::progressed("build-7", ++revision, "a", "60"));
    server.apply(happened("build-7", ++revision, EventKind::kCompleted, "a"));
    for (data.clear(); !has(data, "completed");) data = reader.next().data;
    CHECK(has(data, R"("percent":60)"));
    CHECK(reader.gist() == "end completed");
  }
}

}  // namespace bide
