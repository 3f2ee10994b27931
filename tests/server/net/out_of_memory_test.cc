// Every allocation of the server's threads fails once, one after the other, in everything that a
// client may do. After each failure the server must still answer, and hold nothing more for the
// client.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/failing_allocator.h"
#include "tests/server/served_table.h"
#include "tests/server/websocket/web_socket_client.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::happened;
using testing::ServedTable;

// More than any story here allocates.
constexpr long kAllocationsMax = 2000;

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}

Front::Limits two_places() {
  Front::Limits limits;
  limits.per_client.places = 2;
  return limits;
}

JobTable::Options frequent_statistics() {
  JobTable::Options options;
  options.stats_interval = 5ms;
  return options;
}

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

struct Story {
  std::string name;
  // `ID` is that of a job that is not final yet, `TAG` that of the list.
  std::string request;
  bool held;         // It waits until the job is completed.
  bool has_preface;  // Something is sent before the answer: it is a stream.
};

class Trial {
 public:
  explicit Trial(const Story& story) : story_(story), server_(two_places(), frequent_statistics()) {
    testing::exempt_this_thread();
    server_.apply(defined("other", ++revision_));
    server_.apply(happened("other", ++revision_, EventKind::kCompleted, "x"));
    // All threads have begun, httplib's included.
    Client client = server_.dial();
    client.send(get("/livez"));
    CHECK_FALSE(client.response().empty());
    client.close();
    CHECK(ServedTable::wait_until([&] { return server_.connections() == 0; }));
  }

  // False: so many allocations are not made at all.
  bool survives(long nth, bool for_good) {
    const std::string id = "job-" + std::to_string(++revision_);
    server_.apply(defined(id, revision_));
    std::string request = story_.request;
    replace_all(request, "ID", id);
    if (request.find("TAG") != std::string::npos) replace_all(request, "TAG", tag_of_list());
    long failed = 0;
    INFO(story_.name, ", allocation ", nth, std::string(for_good ? " and all that follow" : ""));
    testing::fail_allocation(nth, for_good);
    {
      Client client = server_.dial();
      client.send(request);
      const bool begun = !story_.has_preface || !client.response(true).empty();
      if (story_.held && begun) {
        CHECK(ServedTable::wait_until([&] {
          return server_.table.parked() > 0 || testing::allocations_failed.load() > 0 ||
                 !client.waits_for_bytes(0ms);
        }));
        server_.apply(happened(id, ++revision_, EventKind::kCompleted, "x"));
        // What is made for many at a time, as a list is, is made again as soon as there is memory.
        CHECK(ServedTable::wait_until([&] {
          return testing::allocations_failed.load() > 0 || !client.waits_for_bytes(0ms);
        }));
        if (for_good && testing::allocations_failed.load() > 0) failed = testing::stop_failing();
      }
      listen(client);
    }
    failed = std::max(failed, testing::stop_failing());
    CHECK(ServedTable::wait_until([&] { return server_.connections() == 0; }));
    CHECK(server_.table.parked() == 0);
    // Both places of the client are free.
    Client first = server_.dial();
    Client second = server_.dial();
    const std::string later = "later-" + std::to_string(++revision_);
    server_.apply(defined(later, revision_));
    first.send(get("/job/" + later + "?until=done&wait=30s"));
    second.send(get("/job/" + later + "?until=done&wait=30s"));
    CHECK(server_.wait_parked(2));
    server_.apply(happened(later, ++revision_, EventKind::kCompleted, "x"));
    CHECK(first.response().starts_with("HTTP/1.1 200 "));
    CHECK(second.response().starts_with("HTTP/1.1 200 "));
    first.close();
    second.close();
    CHECK(ServedTable::wait_until([&] { return server_.connections() == 0; }));
    if (failed > 0) CHECK(server_.http_metrics.out_of_memory.load() + refused() > 0);
    return failed > 0;
  }

 private:
  std::string tag_of_list() {
    Client client = server_.dial();
    client.send(get(std::string(kList)));
    const std::string response = client.response();
    const std::size_t from = response.find("ETag: ") + 6;
    client.close();
    CHECK(ServedTable::wait_until([&] { return server_.connections() == 0; }));
    return response.substr(from, response.find("\r\n", from) - from);
  }
  std::uint64_t refused() {
    return server_.http_metrics.refused(ConnectionRefusal::kNoSlot).load();
  }
  // An answer, a refusal or the end: in any case soon.
  void listen(Client& client) {
    const auto began = std::chrono::steady_clock::now();
    if (story_.has_preface) {
      while (client.received().find("end") == std::string::npos && client.more()) {
      }
    } else {
      const std::string response = client.response();
      CHECK((response.empty() || response.starts_with("HTTP/1.1 ")));
      // With TLS there may be no memory for a goodbye.
      if (client.tls() == nullptr && response.starts_with("HTTP/1.1 503 ")) CHECK(client.at_end());
    }
    CHECK(std::chrono::steady_clock::now() - began < 5s);
  }

  static constexpr std::string_view kList = "/job?limit=2";
  const Story story_;
  ServedTable server_;
  Revision revision_ = 0;
};

void try_all(const Story& story) {
  for (const bool for_good : {false, true}) {
    Trial trial(story);
    long nth = 1;
    while (nth < kAllocationsMax && trial.survives(nth, for_good)) ++nth;
    MESSAGE(story.name, ": ", nth - 1, " allocations",
            std::string(for_good ? ", and all that follow" : ""));
    CHECK(nth > 3);
    CHECK(nth < kAllocationsMax);
  }
}

TEST_CASE("out of memory: a plain request") { try_all({"GET", get("/job/ID"), false, false}); }

TEST_CASE("out of memory: a request for a job that is not known yet") {
  try_all({"404", get("/job/none"), false, false});
}

TEST_CASE("out of memory: a held request") {
  try_all({"held", get("/job/ID?until=done&wait=30s"), true, false});
}

TEST_CASE("out of memory: a held request that is fresh") {
  try_all(
      {"no-cache", get("/job/ID?until=done&wait=30s", "Cache-Control: no-cache\r\n"), true, false});
}

TEST_CASE("out of memory: a request for many jobs") {
  try_all({"set", get("/job?id=ID&id=other&until=done&wait=30s"), true, false});
}

TEST_CASE("out of memory: a list") { try_all({"list", get("/job?limit=10"), false, false}); }

TEST_CASE("out of memory: a held list") {
  try_all({"held list", get("/job?limit=2&wait=30s", "If-None-Match: TAG\r\n"), true, false});
}

TEST_CASE("out of memory: metrics") { try_all({"metrics", get("/metrics"), false, false}); }

TEST_CASE("out of memory: server-sent events") {
  try_all({"events", get("/job/ID/events"), true, true});
}

TEST_CASE("out of memory: a WebSocket") {
  try_all({"ws", upgrade_request("/job/ID/ws"), true, true});
}

}  // namespace
}  // namespace bide
