// The limits on a real socket, at their edge and one beyond, and how long slow clients are
// tolerated.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "server/http1/field_section.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Client;
using testing::ServedTable;

constexpr Front::Limits kPatient{.idle = 30s, .head = 30s, .body = 30s, .write = 30s};
// The reaper looks once a second; the rest is for a machine with other things to do.
constexpr milliseconds kLate = 4s;

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields) {
  return "POST /livez HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}
constexpr const char* kChunked = "Transfer-Encoding: chunked\r\n";

// The status of the one response to these bytes; a refusal must come with the connection's end.
int status_of(const ServedTable& server, const std::string& bytes) {
  Client client = server.dial();
  auto sending = std::async(std::launch::async, [&] { client.send(bytes); });
  const std::string response = client.response();
  sending.get();
  if (response.size() < 12) return 0;
  const int status = std::stoi(response.substr(9, 3));
  const bool refused = status != 200 && status != 405;
  const bool closes = response.find("\r\nConnection: close\r\n") != std::string::npos;
  return refused == closes && (!refused || client.at_end()) ? status : -status;
}

std::string head_of(std::size_t bytes) {
  const std::string start = get("/livez", "X: ");
  return get("/livez", "X: " + std::string(bytes - start.size() - 2, 'x') + "\r\n");
}

// Measures how long `end` takes, which waits for the end of a connection and returns whether it is
// the right one.
template <typename End>
std::pair<bool, milliseconds> timed(End&& end) {
  const auto begin = steady_clock::now();
  const bool well = end();
  return {well, std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin)};
}
bool is_408(const std::string& response) { return response.starts_with("HTTP/1.1 408 "); }

}  // namespace

TEST_CASE("front_limits: the defaults are those of docs/api.md") {
  const Front::Limits limits;
  CHECK(limits.head == 10s);
  CHECK(limits.body == 30s);
  CHECK(limits.idle == 75s);
  CHECK(limits.write == 30s);
  CHECK(kHeadBytesMax == 24'576);
  CHECK(kFieldsMax == 100);
  CHECK(kTargetBytesMax == 12'288);
  CHECK(kBodyBytesMax == 1'048'576);
}

TEST_CASE("front_limits: head, target and fields at their edge and beyond") {
  const ServedTable server(kPatient);
  CHECK(status_of(server, head_of(24'576)) == 200);
  CHECK(status_of(server, head_of(24'577)) == 431);
  CHECK(status_of(server, head_of(1'000'000)) == 431);
  CHECK(status_of(server, get("/livez?" + std::string(12'281, 'x'))) == 200);
  CHECK(status_of(server, get("/livez?" + std::string(12'282, 'x'))) == 414);
  CHECK(status_of(server, get("/livez?" + std::string(100'000, 'x'))) == 414);
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";
  CHECK(status_of(server, get("/livez", fields)) == 200);
  CHECK(status_of(server, get("/livez", fields + "X: y\r\n")) == 431);
}

TEST_CASE("front_limits: bodies at their edge and beyond, by length and by chunks") {
  const ServedTable server(kPatient);
  const std::string body(1 << 20, 'b');
  CHECK(status_of(server, post("Content-Length: 1048576\r\n") + body) == 405);
  CHECK(status_of(server, post("Content-Length: 1048577\r\n") + body + "b") == 413);
  CHECK(status_of(server, post(kChunked) + "100000\r\n" + body + "\r\n0\r\n\r\n") == 405);
  CHECK(status_of(server, post(kChunked) + "100001\r\n" + body + "b\r\n0\r\n\r\n") == 413);
  CHECK(status_of(server, post(kChunked) + "100000\r\n" + body + "\r\n1\r\nb\r\n0\r\n\r\n") == 413);
  std::string tiny;
  for (int i = 0; i < 1 << 20; ++i) tiny += "1\r\nb\r\n";
  CHECK(status_of(server, post(kChunked) + tiny + "0\r\n\r\n") == 405);
  CHECK(status_of(server, post(kChunked) + tiny + "1\r\nb\r\n0\r\n\r\n") == 413);
  std::string extended;
  for (int i = 0; i < 2048; ++i) extended += "1;e\r\nb\r\n";
  CHECK(status_of(server, post(kChunked) + extended + "0\r\n\r\n") == 405);
  CHECK(status_of(server, post(kChunked) + extended + "0;\r\n\r\n") == 413);
}

TEST_CASE("front_limits: a head has its time from the first byte on, a body its own") {
  const milliseconds limit = 300ms;
  const ServedTable heads({.idle = 30s, .head = limit, .body = 30s});
  const ServedTable bodies({.idle = 30s, .head = 30s, .body = limit});
  // Sends a byte now and then, and says when it was told that this is too slow.
  const auto dribble = [](Client client, std::string_view begin, std::string_view more) {
    client.send_at_once();
    return timed([&] {
      client.send(begin);
      auto sending = std::async(std::launch::async, [&client, more] {
        const auto end = steady_clock::now() + kLate;
        while (client.waits_for_bytes(20ms) && steady_clock::now() < end) client.send(more);
      });
      const std::string response = client.response();
      sending.get();
      return is_408(response) && client.at_end();
    });
  };
  const auto begin = [&](const ServedTable& server, std::string_view first, std::string_view more) {
    return std::async(std::launch::async, dribble, server.dial(), first, more);
  };
  const std::string by_length = post("Content-Length: 100000\r\n");
  const std::string by_chunks = post(kChunked);
  std::vector<std::future<std::pair<bool, milliseconds>>> all;
  all.push_back(begin(heads, "GET /x", "x"));
  all.push_back(begin(heads, "GET /livez HTTP/1.1\r\nX: ", "x"));
  all.push_back(begin(heads, "\r\n", ""));
  all.push_back(begin(bodies, by_length, "x"));
  all.push_back(begin(bodies, by_chunks, "1\r\nx\r\n"));
  for (auto& one : all) {
    const auto [well, took] = one.get();
    CHECK(well);
    CHECK(took >= limit);
    CHECK(took < limit + kLate);
  }
  CHECK(heads.http_metrics.clients_slow == 3);
  CHECK(bodies.http_metrics.clients_slow == 2);
}

TEST_CASE("front_limits: the body of a pipelined request has its own time, too") {
  const milliseconds limit = 2s;  // Long enough that the first body is never late.
  const ServedTable server({.idle = 30s, .head = 30s, .body = limit});
  Client client = server.dial();
  client.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n"));
  REQUIRE(client.response(true) == "HTTP/1.1 100 Continue\r\n\r\n");
  const auto [well, took] = timed([&] {
    client.send("hello" + post("Content-Length: 5\r\n") + "h");
    return client.response().starts_with("HTTP/1.1 405 ") && is_408(client.response()) &&
           client.at_end();
  });
  CHECK(well);
  CHECK(took >= limit);
  CHECK(took < limit + kLate);
}

TEST_CASE("front_limits: between requests a connection may idle, and is closed then") {
  const milliseconds limit = 300ms;
  const ServedTable server({.idle = limit, .head = 30s});
  Client fresh = server.dial();
  Client used = server.dial();
  used.send(get("/livez"));
  CHECK(used.response().starts_with("HTTP/1.1 200 "));
  const auto [well, took] = timed([&] { return used.at_end(); });
  CHECK(well);
  CHECK(took >= limit - 50ms);  // From the request's arrival.
  CHECK(took < limit + kLate);
  CHECK(fresh.at_end());
  CHECK(server.http_metrics.clients_slow == 0);
}

TEST_CASE(
    "front_limits: a client that takes no byte is cut, one that is held or takes some is not") {
  const milliseconds limit = 300ms;
  ServedTable server({.idle = 30s, .write = limit});
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(1'000'000, 'x') + "\"}";
  server.apply(testing::defined("big", 1, definition));
  Client held = server.dial();
  held.send(get("/job/big?until=done&wait=30s"));
  REQUIRE(server.wait_parked(1));
  Client stuck(server.port, 4096);
  for (int i = 0; i < 20; ++i) stuck.send(get("/job/big"));
  CHECK(ServedTable::wait_until([&] { return server.http_metrics.clients_slow == 1; }));
  CHECK(ServedTable::wait_until([&] { return server.connections() == 1; }));
  CHECK(server.table.parked() == 1);
}

TEST_CASE("front_limits: a client that takes less than 1 KiB a second is cut, except on a stream") {
  ServedTable server({.idle = 30s, .write = 1s});  // 30 KiB in that time.
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  server.apply(testing::defined("big", 1, definition));
  Client response(server.port, 4096);
  Client stream(server.port, 4096);
  response.send(get("/job/big"));
  stream.send(get("/job/big/events"));
  Client pace = server.dial();
  const auto end = steady_clock::now() + 10s;
  while (server.http_metrics.clients_slow == 0 && steady_clock::now() < end) {
    CHECK(pace.waits_for_bytes(500ms));  // They take 4 KiB or so at a time.
    (void)response.more();
    REQUIRE(stream.more());
  }
  CHECK(server.http_metrics.clients_slow == 1);
  CHECK(ServedTable::wait_until([&] { return server.connections() == 2; }));
  CHECK(stream.more());
}

TEST_CASE("front_limits: one client's unread bytes have a limit while jobs change") {
  constexpr std::size_t kMax = 4 << 20;
  ServedTable server({.unread_bytes_max = kMax});
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(90'000, 'x') + "\"}";
  Revision revision = 0;
  std::string set = "/job?match=any";
  for (int i = 0; i < 10; ++i) {
    const std::string id = "job-" + std::to_string(i);
    server.apply(testing::defined(id, ++revision, definition));
    set += "&id=" + id;
  }
  const std::vector<std::string> targets = {set, "/job?limit=10", "/job/job-1/events"};
  std::vector<Client> slow;
  for (std::size_t i = 0; i < 60; ++i) {
    for (int job = 0; job < 10; ++job) {
      ++revision;
      server.apply(testing::happened("job-" + std::to_string(job), revision, EventKind::kStarted,
                                     "agent-" + std::to_string(revision)));
    }
    slow.emplace_back(server.port, 4096);
    slow.back().send(get(targets[i % targets.size()]));
    REQUIRE(slow.back().more());
    CHECK(server.unread_bytes() <= kMax);
  }
  CHECK(server.unread_bytes() > kMax / 2);
  Client client = server.dial();
  client.send(get(set));
  const std::string refused = client.response();
  CHECK(refused.starts_with("HTTP/1.1 429 "));
  CHECK(refused.find("\r\nRetry-After: ") != std::string::npos);
  client.send(get("/job/status"));  // What is small is still served.
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
  slow.clear();
  CHECK(ServedTable::wait_until([&] { return server.unread_bytes() == 0; }));
  client.send(get(set));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("front_limits: a slow reader costs 64 KiB at most, however large a job or a list is") {
  ServedTable server({.write = 1s});
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  server.apply(testing::defined("big", 1, definition));
  server.apply(testing::happened("big", 2, EventKind::kFailed, "a"));
  definition.operation = "{\"blob\":\"" + std::string(9'000, 'x') + "\"}";
  std::string set = "/job?until=succeeded&wait=1s";
  for (Revision i = 0; i < 99; ++i) {
    const std::string id = "job-" + std::to_string(i);
    server.apply(testing::defined(id, 3 + i, definition));
    set += "&id=" + id;
  }
  set += "&id=big";  // Which has failed: the set is in a 409.
  const std::vector<std::string> requests = {
      get("/job/big") + get("/job/big"),
      get("/job/big?until=succeeded&wait=1s") + get("/job/big"),
      get("/job?limit=100") + get("/job/big"),
      get(set) + get("/job/big"),
      get(set.replace(set.find("until=succeeded&wait=1s"), 23, "match=any")) + get("/job/big"),
      get("/job/big/events"),  // The last: it goes on.
  };
  Client quick = server.dial();
  for (const std::string& request : requests) {  // What all have in common is made.
    quick.send(request.substr(0, request.find("\r\n\r\n") + 4));
    if (!request.starts_with("GET /job/big/events")) CHECK(quick.response().size() > 900'000);
  }
  quick.close();
  REQUIRE(ServedTable::wait_until([&] { return server.connections() == 0; }));
  constexpr std::size_t kEach = 20;
  const std::size_t before = ::mallinfo2().uordblks;
  std::vector<Client> slow;
  for (std::size_t i = 0; i < kEach * requests.size(); ++i) {
    slow.emplace_back(server.port, 4096);
    slow.back().send(requests[i % requests.size()]);
  }
  std::size_t most = before;
  CHECK(ServedTable::wait_until([&] {
    most = std::max(most, ::mallinfo2().uordblks);
    return server.http_metrics.clients_slow == slow.size();  // All were stuck, and were cut.
  }));
  CHECK((most - before) / slow.size() < 65'536);
}

}  // namespace bide
