#include "server/net/front.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::BusyThreads;
using testing::Client;
using testing::defined;
using testing::happened;
using testing::ServedTable;

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("front: one connection carries one request after the other") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  Client client = server.dial();
  for (int i = 0; i < 10; ++i) {
    client.send(get("/job/build-7"));
    const std::string response = client.response();
    CHECK(response.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(has(response, "\"status\":\"submitted\""));
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("front: a request may arrive byte by byte") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  Client client = server.dial();
  for (const char byte : get("/job/build-7", "Accept: text/plain\r\n")) client.send({&byte, 1});
  CHECK(client.response().ends_with("\r\n\r\nsubmitted\n"));
}

TEST_CASE("front: pipelined requests are answered in order, also behind one that is held") {
  ServedTable server;
  server.apply(defined("a", 1));
  server.apply(defined("b", 2));
  Client client = server.dial();
  client.send(get("/job/b") + get("/job/a?until=done&wait=30s") + get("/job/b") + get("/livez"));
  CHECK(has(client.response(), "\"id\":\"b\""));
  REQUIRE(server.wait_parked(1));
  server.apply(happened("a", 3, EventKind::kCompleted, "x"));
  CHECK(has(client.response(), "\"id\":\"a\",\"status\":\"completed\""));
  CHECK(has(client.response(), "\"id\":\"b\""));
  CHECK(client.response().ends_with("ok\n"));
}

TEST_CASE("front: a client that closes its sending side still gets its answer") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  SUBCASE("at once") {
    Client client = server.dial();
    client.send(get("/job/build-7"));
    client.half_close();
    CHECK(client.response().starts_with("HTTP/1.1 200 "));
    CHECK(client.at_end());
  }
  SUBCASE("held") {
    Client client = server.dial();
    {
      // A FIN that comes later than the request is a client that leaves.
      const BusyThreads busy(server);
      client.send(get("/job/build-7?until=done&wait=30s"));
      client.half_close();
    }
    REQUIRE(server.wait_parked(1));
    server.apply(happened("build-7", 2, EventKind::kCompleted, "x"));
    CHECK(has(client.response(), "Bide-Outcome: done"));
    CHECK(client.at_end());
  }
}

TEST_CASE("front: a client that leaves while held is unparked and counted") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  {
    Client client = server.dial();
    client.send(get("/job/build-7?until=done&wait=30s"));
    REQUIRE(server.wait_parked(1));
    const auto grace = std::chrono::steady_clock::now() + 50ms;  // See kHalfCloseGrace.
    REQUIRE(ServedTable::wait_until([&] { return std::chrono::steady_clock::now() > grace; }));
  }
  REQUIRE(server.wait_parked(0));
  CHECK(ServedTable::wait_until([&] { return server.http_metrics.clients_gone == 1; }));
  CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
}

TEST_CASE("front: a slow reader gets all of a large body, and holds up nobody") {
  ServedTable server;
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(900'000, 'x') + "\"}";
  server.apply(defined("big", 1, definition));
  server.apply(defined("small", 2));
  Client slow(server.port, 4096);
  for (int i = 0; i < 8; ++i) slow.send(get("/job/big"));
  Client quick = server.dial();
  quick.send(get("/job/small"));
  CHECK(quick.response().starts_with("HTTP/1.1 200 "));
  for (int i = 0; i < 8; ++i) {
    const std::string response = slow.response();
    CHECK(response.size() > 900'000);
    CHECK(response.ends_with("\"revision\":1}"));
  }
}

TEST_CASE("front: a head that is not finished in time gets 408, an idle client is closed") {
  ServedTable server({.idle = 100ms, .head = 100ms});
  Client slow = server.dial();
  slow.send("GET /livez HTT");
  Client idle = server.dial();
  CHECK(slow.response().starts_with("HTTP/1.1 408 "));
  CHECK(slow.at_end());
  CHECK(idle.at_end());
  CHECK(server.http_metrics.clients_slow == 1);
}

TEST_CASE("front: a body has its own time, also behind a body that ended in the same read") {
  ServedTable server({.head = 500ms});
  const std::string head =
      "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  Client client = server.dial();
  client.send(head);
  CHECK(client.response(true) == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello" + head + "he");
  CHECK(client.response().starts_with("HTTP/1.1 405 "));
  Client later = server.dial();
  later.send("GET /livez HTT");
  CHECK(later.response().starts_with("HTTP/1.1 408 "));  // The time of a head is over.
  client.send("llo");
  CHECK(client.response().starts_with("HTTP/1.1 405 "));
}

TEST_CASE("front: input that is not HTTP is refused, and the connection closed without a reset") {
  ServedTable server;
  Client client = server.dial();
  client.send("GET /livez HTTP/1.1\nHost: x\n\n" + std::string(100'000, 'x'));
  const std::string response = client.response();
  CHECK(response.starts_with("HTTP/1.1 400 "));
  CHECK(has(response, "Connection: close\r\n"));
  client.half_close();
  CHECK(client.at_end());
}

TEST_CASE("front: a body is read past, and 100 Continue is said when asked for") {
  ServedTable server;
  Client client = server.dial();
  client.send(
      "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.response(true) == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello" + get("/livez"));
  const std::string refused = client.response();
  CHECK(refused.starts_with("HTTP/1.1 405 "));
  CHECK(has(refused, "Allow: GET, HEAD\r\n"));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("front: HEAD has the fields of GET and no body") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  Client client = server.dial();
  client.send("HEAD /job/build-7 HTTP/1.1\r\nHost: x\r\n\r\n" + get("/job/build-7"));
  const std::string head = client.response(true);
  const std::string whole = client.response();
  const auto without_date = [](std::string text) { return text.erase(17, 37); };
  CHECK(without_date(head) == without_date(whole).substr(0, whole.find("\r\n\r\n") + 4 - 37));
}

TEST_CASE("front: HTTP/1.0 closes unless asked to keep alive, and is told which") {
  ServedTable server;
  Client closing = server.dial();
  closing.send("GET /livez HTTP/1.0\r\n\r\n");
  CHECK(has(closing.response(), "Connection: close\r\n"));
  CHECK(closing.at_end());
  Client keeping = server.dial();
  keeping.send("GET /livez HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + get("/livez"));
  CHECK(has(keeping.response(), "Connection: keep-alive\r\n"));
  CHECK(keeping.response().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("front: the deadline answers, and never later than asked") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  Client client = server.dial();
  // A busy machine may wake the notifier late, but not each time.
  bool in_time = false;
  for (int i = 0; i < 20 && !in_time; ++i) {
    client.send(get("/job/build-7?until=done&wait=300ms"));
    const std::string response = client.response();
    CHECK(has(response, "Bide-Outcome: timeout\r\n"));
    in_time = has(response, "Bide-Waited: 0.2");
  }
  CHECK(in_time);
}

TEST_CASE("front: who has just connected or had an answer when draining begins is answered") {
  ServedTable server;
  Client fresh = server.dial();
  Client silent = server.dial();
  REQUIRE(ServedTable::wait_until([&] { return server.connections() == 2; }));
  Client used = server.dial();
  used.send(get("/livez"));
  CHECK(used.response().starts_with("HTTP/1.1 200 "));
  auto stopping = std::async(std::launch::async, [&] { server.stop(); });
  REQUIRE(ServedTable::wait_until([&] { return server.leaving(); }));
  for (Client* const client : {&used, &fresh}) {
    client->send(get("/livez"));
    const std::string response = client->response();
    CHECK(response.starts_with("HTTP/1.1 200 "));
    CHECK(has(response, "Connection: close\r\n"));
    CHECK(client->at_end());
  }
  CHECK(silent.at_end());
  for (Client* const client : {&fresh, &silent, &used}) client->close();
  stopping.get();
}

TEST_CASE("front: draining answers held clients, closes idle ones, and resets none") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  std::vector<Client> held;
  for (int i = 0; i < 200; ++i) {
    held.push_back(server.dial());
    held.back().send(get("/job/build-7?until=done&wait=30s"));
  }
  Client idle = server.dial();
  idle.send(get("/livez"));
  CHECK(idle.response().starts_with("HTTP/1.1 200 "));
  REQUIRE(server.wait_parked(200));
  auto stopping = std::async(std::launch::async, [&] { server.stop(); });
  for (Client& client : held) {
    const std::string response = client.response();
    CHECK(has(response, "Bide-Outcome: drain\r\n"));
    CHECK(has(response, "Connection: close\r\n"));
    CHECK(client.at_end());
    client.close();
  }
  CHECK(idle.at_end());
  idle.close();
  stopping.get();
  CHECK(server.connections() == 0);
}

TEST_CASE("front: clients that come, wait, leave and pipeline at random leave nothing behind") {
  ServedTable server;
  for (int i = 0; i < 4; ++i)
    server.apply(defined("job-" + std::to_string(i), 1 + static_cast<Revision>(i)));
  std::atomic<bool> stop{false};
  auto watcher = std::async(std::launch::async, [&] {
    Revision revision = 10;
    while (!stop) {
      const std::string id = "job-" + std::to_string(revision % 4);
      if (!server.table.apply(happened(id, ++revision, EventKind::kStarted, "a"))) return false;
      if (revision > 2000) {  // Keeps the jobs small: a long timeline is slow to render.
        for (int i = 0; i < 4; ++i) {
          Entry gone = defined("job-" + std::to_string(i), ++revision);
          gone.what = Deletion{};
          if (!server.table.apply(gone)) return false;
          if (!server.table.apply(defined("job-" + std::to_string(i), ++revision))) return false;
        }
        return true;
      }
    }
    return true;
  });
  const auto use = [&](unsigned seed) {
    int answers = 0;
    for (int round = 0; round < 150; ++round) {
      seed = seed * 1103515245 + 12345;
      Client client = server.dial();
      const std::string id = "job-" + std::to_string(seed >> 16 & 3);
      const std::string path = "/job/" + id;
      std::string held = path;
      held.append("?until=done&wait=").append(std::to_string((seed >> 18 & 15) + 1)).append("ms");
      client.send(get(held) + get(path));
      if ((seed >> 24 & 1) != 0) continue;  // Leaves without reading.
      if ((seed >> 25 & 1) != 0) client.half_close();
      answers += client.response().empty() ? 0 : 1;
      answers += client.response().empty() ? 0 : 1;
    }
    return answers;
  };
  auto other = std::async(std::launch::async, use, 5U);
  CHECK(use(3U) > 0);
  CHECK(other.get() > 0);
  stop = true;
  CHECK(watcher.get());
  CHECK(server.wait_parked(0));
  CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
}

TEST_CASE("front: a request behind one that need not be held is answered once") {
  ServedTable server;
  server.apply(defined("a", 1));
  server.apply(happened("a", 2, EventKind::kCompleted, "x"));
  const auto get = [](const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
  };
  Client client = server.dial();
  client.send(get("/job/a?until=done&wait=5s") + get("/job/a"));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
  client.send(get("/job/none"));
  CHECK(client.response().starts_with("HTTP/1.1 404 "));
}

}  // namespace
}  // namespace bide
