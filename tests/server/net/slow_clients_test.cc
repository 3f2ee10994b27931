// Slow clients cost a buffer, never a thread: two pool threads serve others at once while hundreds
// of slow clients of every kind are connected.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::Client;
using testing::defined;
using testing::Road;
using testing::ServedTable;

constexpr std::size_t kSlowClients = 500;
constexpr int kQuickRequests = 100;

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

// Both ends of every connection are in this process.
void use_all_descriptors() {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  REQUIRE(limit.rlim_cur > 3 * kSlowClients);
}

struct Kind {
  std::string name;
  std::string begin;
  std::string more{};          // Sent again and again. Empty: it does nothing at all.
  std::size_t parked = 0;      // Of each.
  int receive_buffer_bytes{};  // It reads nothing, and this is all that it can be sent.
};
const std::vector<Kind> kKinds = {
    {"silent", ""},
    {"a head, byte by byte", "GET /livez HTTP/1.1\r\nX: ", "x"},
    {"a head, line by line", "GET /livez HTTP/1.1\r\n", "X: y\r\n"},
    {"a body", "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", "x"},
    {"a body in chunks", "POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
     "1\r\nx\r\n"},
    {"a body that waits for 100 Continue",
     "POST /livez HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"},
    {"held", get("/job/small?until=done&wait=30s"), "", 1},
    {"held and talking", get("/job/small?until=done&wait=30s"), "x", 1},
    {"an event stream", testing::stream_request(Road::kEvents, "small"), "", 1},
    {"a WebSocket", testing::stream_request(Road::kSocket, "small"), "", 1},
    {"reads nothing", get("/job/big") + get("/job/big"), "", 0, 4096},
    {"reads nothing of a stream", testing::stream_request(Road::kEvents, "big"), "", 0, 4096},
    {"refused, and does not go", "NOTHING\r\n", "x"},
};

}  // namespace

TEST_CASE("slow_clients: no kind of slow client keeps others waiting") {
  use_all_descriptors();
  ServedTable server({.linger = 30s});
  Definition large;
  large.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  server.apply(defined("big", 1, large));
  server.apply(defined("small", 2));
  Revision revision = 2;
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    std::vector<Client> slow;
    for (std::size_t i = 0; i < kSlowClients; ++i) {
      slow.emplace_back(server.port, kind.receive_buffer_bytes);
      slow.back().send_at_once();
      slow.back().send(kind.begin);
    }
    REQUIRE(ServedTable::wait_until([&] { return server.connections() == kSlowClients; }));
    REQUIRE(server.wait_parked(kind.parked * kSlowClients));

    Client quick = server.dial();
    Client held = server.dial();
    steady_clock::duration slowest{};
    for (int i = 0; i < kQuickRequests; ++i) {
      if (!kind.more.empty()) {
        for (std::size_t one = 0; one < kSlowClients; one += 10) slow[one].send(kind.more);
      }
      const std::string job = "job-" + std::to_string(revision);
      server.apply(defined(job, ++revision));
      const auto begin = steady_clock::now();
      quick.send(get("/job/" + job));
      REQUIRE(quick.response().starts_with("HTTP/1.1 200 "));
      held.send(get("/job/" + job + "?until=done&wait=30s"));
      REQUIRE(server.wait_parked(kind.parked * kSlowClients + 1));
      server.apply(testing::happened(job, ++revision, EventKind::kFailed, "a"));
      REQUIRE(held.response().starts_with("HTTP/1.1 200 "));
      slowest = std::max(slowest, steady_clock::now() - begin);
    }
    CHECK(slowest < 1s);  // Usually under a millisecond: the machine may have other things to do.
    CHECK(server.connections() == kSlowClients + 2);
    quick.close();
    held.close();
    for (Client& client : slow) client.reset();
    REQUIRE(ServedTable::wait_until([&] { return server.connections() == 0; }));
  }
}

}  // namespace bide
