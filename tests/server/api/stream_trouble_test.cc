// Streams whose client leaves or is slow, or whose server has no room, no fresh state, or shuts
// down.
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <vector>

#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::happened;
using testing::kBothRoads;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::Told;

// Reads up to the first state, of a job that was just defined.
StreamReader begin(const ServedTable& server, Road road, const std::string& job = "build-7") {
  StreamReader reader(server, road, job);
  CHECK(reader.gist() == "hello");
  CHECK(reader.gist() == "job submitted");
  return reader;
}

// Whether the only stream tells its nth state soon, and then waits for news. False: its socket is
// full.
bool keeps_up(const ServedTable& server, std::uint64_t states) {
  const auto end = std::chrono::steady_clock::now() + 200ms;
  while (server.http_metrics.sum(&HttpTally::stream_records) < states ||
         server.table.parked() == 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

void pass(std::chrono::milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

TEST_CASE("stream: a client that leaves is unparked and counted") {
  for (const Road road : kBothRoads) {
    ServedTable server;
    server.apply(defined("build-7", 1));
    StreamReader closing = begin(server, road);
    StreamReader half_closing = begin(server, road);
    REQUIRE(server.wait_parked(2));
    pass(50ms);  // See kHalfCloseGrace.
    closing.client().close();
    half_closing.client().half_close();
    REQUIRE(server.wait_parked(0));
    CHECK(half_closing.gist() == "broken");
    CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
    CHECK(server.http_metrics.clients_gone == 2);
  }
}

TEST_CASE("stream: events go on behind a FIN that came with the request, however busy the server") {
  ServedTable server;
  SUBCASE("not at all") {}
  SUBCASE("very") {
    server.instead = [&](const http::Request& request, Exchange& exchange) {
      server.router().handle(request, exchange);
      pass(20ms);
    };
  }
  server.apply(defined("build-7", 1));
  Client client = server.dial();
  client.send_last(testing::stream_request(Road::kEvents, "build-7"));
  StreamReader events(std::move(client), Road::kEvents, "");
  CHECK(events.gist() == "hello");
  CHECK(events.gist() == "job submitted");
  REQUIRE(server.wait_parked(1));
  pass(20ms);
  server.apply(happened("build-7", 2, EventKind::kCompleted, "a"));
  CHECK(events.gist() == "job completed");
  CHECK(events.gist() == "end completed");
  CHECK(events.gist() == "close");
}

TEST_CASE(
    "stream: a WebSocket is over with its client's FIN, even one that came with the request") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  Client client = server.dial();
  client.send_last(testing::stream_request(Road::kSocket, "build-7"));
  StreamReader socket(std::move(client), Road::kSocket, "");
  CHECK(socket.gist() == "hello");
  const std::string next = socket.gist();  // The FIN may be seen before the first state is told.
  CHECK((next == "broken" || (next == "job submitted" && socket.gist() == "broken")));
  CHECK(server.wait_parked(0));
}

TEST_CASE("stream: draining ends each of them properly, without a reset") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  std::vector<StreamReader> readers;
  for (int i = 0; i < 20; ++i) {
    for (const Road road : kBothRoads) readers.push_back(begin(server, road));
  }
  REQUIRE(server.wait_parked(readers.size()));
  auto stopping = std::async(std::launch::async, [&] { server.stop(); });
  for (std::size_t i = 0; i < readers.size(); ++i) {
    CHECK(readers[i].gist() == (i % 2 == 0 ? "close" : "close 1001"));
    if (i % 2 == 0) CHECK(readers[i].retry != "");
    readers[i].client().close();
  }
  stopping.get();
  CHECK(server.connections() == 0);
}

TEST_CASE("stream: without room the client gets the state, and is told to come back later") {
  for (const Road road : kBothRoads) {
    ServedTable server({}, {.parked_max = 1});
    server.apply(defined("build-7", 1));
    const StreamReader first = begin(server, road);
    REQUIRE(server.wait_parked(1));
    StreamReader second = begin(server, road);
    CHECK(second.gist() == (road == Road::kEvents ? "close" : "close 1013"));
    CHECK(server.table.parked() == 1);
  }
}

TEST_CASE("stream: what will pass is a stream that ends for events, and 503 for a WebSocket") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  server.apply(defined("over", 2));
  server.apply(happened("over", 3, EventKind::kCompleted, "a"));
  SUBCASE("the first read is not finished") { server.contact.set_ready(false); }
  SUBCASE("NATS is away") { server.contact.heard(system_clock().now() - 10s); }
  StreamReader events(server, Road::kEvents, "build-7");
  CHECK(events.status() == 200);
  CHECK(events.gist() == "hello");
  CHECK(events.retry == "2000");
  CHECK(events.gist() == "close");
  StreamReader socket(server, Road::kSocket, "build-7");
  CHECK(socket.status() == 503);
  CHECK(socket.head.find("Retry-After: 1\r\n") != std::string::npos);
  if (server.contact.ready()) {
    for (const Road road : kBothRoads) {
      StreamReader over(server, road, "over");
      over.next();
      CHECK(over.gist() == "job completed");
      CHECK(over.gist() == "end completed");
    }
  }
}

TEST_CASE("stream: a slow reader costs one record, and is told the newest state next") {
  for (const Road road : kBothRoads) {
    ServedTable server;
    Definition definition;
    definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
    server.apply(defined("big", 1, definition));
    StreamReader reader(Client(server.port, 4096), road, testing::stream_request(road, "big"));
    Revision revision = 1;
    // Until all buffers between the two are full.
    while (keeps_up(server, revision)) {
      REQUIRE(++revision < 50);
      server.apply(happened("big", revision, EventKind::kStarted, "a"));
    }
    const std::uint64_t told_unread = server.http_metrics.sum(&HttpTally::stream_records);
    constexpr Revision kOvertaken = 100;
    for (Revision i = 0; i < kOvertaken; ++i) {
      server.apply(happened("big", ++revision, EventKind::kStarted, "a"));
    }
    server.apply(happened("big", ++revision, EventKind::kCompleted, "a"));
    CHECK(reader.gist() == "hello");
    std::vector<std::string> states;
    Told told;
    while ((told = reader.next()).event == "job") states.push_back(told.gist());
    CHECK(told.gist() == "end completed");
    CHECK(reader.gist().starts_with("close"));
    CHECK(states.size() < told_unread + kOvertaken / 2);
    CHECK(states.back() == "job completed");
  }
}

}  // namespace bide
