// Clients that close their sending side, or the whole connection with a reset, in every phase of a
// connection.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::Road;
using testing::ServedTable;

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

Definition large() {
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  return definition;
}

// What brings a connection into a phase of its life. `big` is a job whose representation no socket
// takes whole.
struct Phase {
  std::string name;
  std::string sent;
  bool parked = false;
};
const std::vector<Phase> kPhases = {
    {"idle", ""},
    {"idle after a request", get("/livez")},
    {"in an empty line", "\r\n"},
    {"in a head", "GET /livez HTTP/1.1\r\nHos"},
    {"in a body", "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"},
    {"in a chunk", "POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"},
    {"parked", get("/job/small?until=done&wait=30s"), true},
    {"parked, more behind", get("/job/small?until=done&wait=30s") + get("/livez"), true},
    {"in an event stream", testing::stream_request(Road::kEvents, "small"), true},
    {"in a WebSocket", testing::stream_request(Road::kSocket, "small"), true},
    {"writing", get("/job/big") + get("/job/big") + get("/job/big") + get("/job/big")},
    {"writing a stream", testing::stream_request(Road::kEvents, "big")},
    {"lingering", "NOTHING\r\n"},
};

// Long enough that a FIN cannot be taken for that of `nc -N` (see kHalfCloseGrace).
void let_grace_pass() {
  const auto end = std::chrono::steady_clock::now() + 20ms;
  CHECK(ServedTable::wait_until([&] { return std::chrono::steady_clock::now() > end; }));
}

void check_leaves_nothing(const std::function<void(Client&)>& leave) {
  ServedTable server;
  server.apply(defined("small", 1));
  server.apply(defined("big", 2, large()));
  for (const Phase& phase : kPhases) {
    CAPTURE(phase.name);
    const std::uint64_t gone = server.http_metrics.clients_gone;
    Client client(server.port, 4096);
    client.send(phase.sent);
    CHECK(ServedTable::wait_until([&] { return server.connections() == 1; }));
    if (phase.parked) CHECK(server.wait_parked(1));
    let_grace_pass();
    leave(client);
    CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
    CHECK(server.table.parked() == 0);
    if (phase.parked) CHECK(server.http_metrics.clients_gone == gone + 1);
  }
  CHECK(server.http_metrics.clients_slow == 0);
}

}  // namespace

TEST_CASE("hang_up: a reset ends a connection in every phase") {
  check_leaves_nothing([](Client& client) { client.reset(); });
}

TEST_CASE("hang_up: closing ends a connection in every phase") {
  check_leaves_nothing([](Client& client) { client.close(); });
}

TEST_CASE("hang_up: a FIN ends a connection in every phase, once the rest was read") {
  check_leaves_nothing([](Client& client) {
    client.half_close();
    while (client.more()) client.received().clear();
  });
}

TEST_CASE("hang_up: a client that half-closes while being answered gets the whole answer") {
  ServedTable server;
  server.apply(defined("big", 1, large()));
  Client client(server.port, 4096);
  for (int i = 0; i < 4; ++i) client.send(get("/job/big"));
  let_grace_pass();
  client.half_close();
  for (int i = 0; i < 4; ++i) {
    const std::string response = client.response();
    CHECK(response.size() > 900'000);
    CHECK(response.ends_with("\"revision\":1}"));
  }
  CHECK(client.at_end());
}

TEST_CASE("hang_up: a reset while the job changes leaves nothing, whoever was faster") {
  ServedTable server;
  Revision revision = 0;
  for (int round = 0; round < 200; ++round) {
    const std::string job = "job-" + std::to_string(round);
    server.apply(defined(job, ++revision));
    std::vector<Client> clients;
    for (const char* what :
         {"?wait=30s&until=completed", "?wait=30s&until=processing", "/events"}) {
      clients.push_back(server.dial());
      clients.back().send(get("/job/" + job + what));
    }
    REQUIRE(server.wait_parked(3));
    server.apply(testing::happened(job, ++revision, EventKind::kStarted, "a"));
    for (Client& client : clients) client.reset();
    REQUIRE(ServedTable::wait_until([&] { return server.connections() == 0; }));
    REQUIRE(server.table.parked() == 0);
  }
}

}  // namespace bide
