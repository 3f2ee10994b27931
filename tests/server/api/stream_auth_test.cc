// Streams whose token expires, is renewed or revoked.
#include <doctest/doctest.h>

#include "tests/server/auth/fake_authority.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::FakeAuthority;
using testing::happened;
using testing::kBothRoads;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::Told;

struct Guarded {
  FakeAuthority authority;
  ServedTable server{{}, {}, system_clock(), &authority};
  Guarded() {
    authority.permit("ada-1", 1);
    server.apply(defined("a", 1));
  }
  StreamReader open(Road road, const std::string& token) {
    return StreamReader(server, road, "a", "", "Authorization: Bearer " + token + "\r\n");
  }
};

void check_begun(StreamReader& reader) {
  CHECK(reader.gist() == "hello");
  CHECK(reader.gist() == "job submitted");
}

std::string auth_message(const std::string& token) {
  return client_frame(Opcode::kText, "{\"auth\":\"" + token + "\"}");
}

}  // namespace

TEST_CASE("stream auth: no token, no stream") {
  for (const Road road : kBothRoads) {
    Guarded guarded;
    CHECK(StreamReader(guarded.server, road, "a").status() == 401);
    guarded.authority.forbid("eve-1");
    CHECK(guarded.open(road, "eve-1").status() == 403);
  }
}

TEST_CASE("stream auth: a WebSocket's token may be a subprotocol, which is not echoed") {
  Guarded guarded;
  StreamReader reader(guarded.server, Road::kSocket, "a", "",
                      "Sec-WebSocket-Protocol: bide.v1, bearer.ada-1\r\n");
  CHECK(reader.status() == 101);
  CHECK(reader.head.find("ada-1") == std::string::npos);
  CHECK(reader.head.find("\r\nSec-WebSocket-Protocol: bide.v1\r\n") != std::string::npos);
}

TEST_CASE("stream auth: a stream ends with its token, and says so") {
  for (const Road road : kBothRoads) {
    Guarded guarded;
    guarded.authority.permit("brief", 1, 300ms);
    StreamReader reader = guarded.open(road, "brief");
    check_begun(reader);
    if (road == Road::kEvents) CHECK(reader.gist() == "auth-expired");
    const Told close = reader.next();
    CHECK(close.event == "close");
    if (road == Road::kSocket) CHECK(close.gist() == "close 1008");
    CHECK(guarded.server.table.parked() == 0);
  }
}

TEST_CASE("stream auth: news keep coming until then, and none after") {
  Guarded guarded;
  guarded.authority.permit("brief", 1, 400ms);
  StreamReader reader = guarded.open(Road::kEvents, "brief");
  check_begun(reader);
  guarded.server.apply(happened("a", 2, EventKind::kStarted, "agent"));
  CHECK(reader.gist() == "job processing");
  CHECK(reader.gist() == "auth-expired");
  guarded.server.apply(happened("a", 3, EventKind::kCompleted, "agent"));
  CHECK(reader.gist() == "close");
}

TEST_CASE("stream auth: a WebSocket's fresh token lets it live on") {
  Guarded guarded;
  guarded.authority.permit("brief", 1, 500ms);
  guarded.authority.permit("fresh", 1, 2s);
  StreamReader reader = guarded.open(Road::kSocket, "brief");
  check_begun(reader);
  const TimePoint opened = system_clock().now();
  reader.client().send(auth_message("fresh"));
  CHECK(reader.gist() == "close 1008");
  CHECK(system_clock().now() - opened > 1200ms);
}

TEST_CASE("stream auth: a WebSocket that presents a bad token is closed with 1008") {
  Guarded guarded;
  guarded.authority.forbid("eve-1");
  for (const char* const token : {"mallory", "eve-1", ""}) {
    StreamReader reader = guarded.open(Road::kSocket, "ada-1");
    check_begun(reader);
    reader.client().send(auth_message(token));
    CHECK(reader.gist() == "close 1008");
  }
}

TEST_CASE("stream auth: one client's streams end at its limit: SSE by trouble, WebSocket by 429") {
  FakeAuthority authority;
  authority.permit("ada-1", 1);
  Front::Limits limits;
  limits.per_client.places = 1;
  ServedTable server(limits, {}, system_clock(), &authority);
  server.apply(defined("a", 1));
  const std::string token = "Authorization: Bearer ada-1\r\n";
  StreamReader first(server, Road::kEvents, "a", "", token);
  check_begun(first);
  CHECK(StreamReader(server, Road::kSocket, "a", "", token).status() == 429);
  StreamReader second(server, Road::kEvents, "a", "", token);
  CHECK(second.status() == 200);
  CHECK(second.gist() == "hello");
  CHECK(second.gist() == "close");
  // The place is given back with the stream's end.
  server.apply(happened("a", 2, EventKind::kCompleted, "agent"));
  CHECK(first.gist() == "job completed");
  CHECK(first.gist() == "end completed");
  CHECK(first.gist() == "close");
  server.apply(defined("b", 3));
  StreamReader third(server, Road::kSocket, "b", "", token);
  CHECK(third.status() == 101);
}

}  // namespace bide
