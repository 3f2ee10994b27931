// `/metrics` of a running server: each kind of answer changes the right metrics.
#include "server/api/metrics_page.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::happened;
using testing::ServedTable;

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}

std::string page_of(ServedTable& server) {
  Client client = server.dial();
  client.send(get("/metrics"));
  return client.response();
}

// The sum of all samples that begin so: `name`, or `name{label="value"}`.
double value_of(const std::string& page, const std::string& name) {
  double sum = 0;
  int samples = 0;
  for (std::size_t at = page.find("\n" + name); at != std::string::npos;
       at = page.find("\n" + name, at + 1)) {
    const std::size_t behind = at + 1 + name.size();
    if (page[behind] != ' ' && page[behind] != '{') continue;
    sum += std::stod(page.substr(page.find(' ', behind)));
    ++samples;
  }
  CHECK_MESSAGE(samples > 0, name);
  return sum;
}

// Every answer is counted before it is sent, but how long it took only after.
bool becomes(ServedTable& server, const std::string& name, double value) {
  return ServedTable::wait_until([&] { return value_of(page_of(server), name) == value; });
}

TEST_CASE("metrics page: parked requests are counted by kind and transport, and leave again") {
  ServedTable server;
  server.apply(defined("a", 1));
  server.apply(defined("b", 2));
  struct Case {
    std::string request;
    std::string labels;
  };
  const std::string ws =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::vector<Case> cases = {
      {get("/job/a?until=done&wait=30s"), R"({kind="job",road="request"})"},
      {get("/job?id=a&id=b&until=done&wait=30s"), R"({kind="set",road="request"})"},
      {get("/job/a/events"), R"({kind="job",road="events"})"},
      {get("/job/a/ws", ws), R"({kind="job",road="ws"})"},
      {get("/job/status/events"), R"({kind="statistics",road="events"})"},
      {get("/job/status/ws", ws), R"({kind="statistics",road="ws"})"},
      {get("/job/events"), R"({kind="feed",road="events"})"},
  };
  std::vector<Client> clients;
  for (const Case& one : cases) {
    clients.push_back(server.dial());
    clients.back().send(one.request);
    CHECK_MESSAGE(becomes(server, "bide_parked" + one.labels, 1), one.labels);
  }
  CHECK(becomes(server, "bide_parked", 7));
  CHECK(becomes(server, "bide_connections{phase=\"parked\"}", 7));
  CHECK(becomes(server, "bide_streams_open", 5));
  CHECK(value_of(page_of(server), "bide_requests_parked_total") == 2);
  clients.clear();
  CHECK(becomes(server, "bide_parked", 0));
  CHECK(becomes(server, "bide_streams_open", 0));
  CHECK(becomes(server, "bide_clients_gone_total", 7));
}

TEST_CASE("metrics page: waiters on a list and on the statistics") {
  ServedTable server;
  server.apply(defined("a", 1));
  for (const std::string target : {"/job", "/job/status"}) {
    Client client = server.dial();
    client.send(get(target));
    const std::string first = client.response();
    const std::size_t tag = first.find("\r\nETag: ") + 8;
    client.send(get(target + "?wait=30s",
                    "If-None-Match: " + first.substr(tag, first.find("\r\n", tag) - tag) + "\r\n"));
    const std::string kind = target == "/job" ? "list" : "statistics";
    CHECK(becomes(server, "bide_parked{kind=\"" + kind + "\",road=\"request\"}", 1));
  }
}

TEST_CASE("metrics page: parked requests are in one histogram, others in the other") {
  ServedTable server;
  server.apply(defined("a", 1));
  server.apply(defined("b", 3));
  Client now = server.dial();
  now.send(get("/job/a"));
  CHECK_FALSE(now.response().empty());
  Client held = server.dial();
  held.send(get("/job/a?until=done&wait=30s"));
  REQUIRE(server.wait_parked(1));
  server.apply(happened("a", 2, EventKind::kCompleted, "x"));
  CHECK_FALSE(held.response().empty());
  Client late = server.dial();
  late.send(get("/job/b?until=done&wait=20ms"));
  CHECK_FALSE(late.response().empty());

  CHECK(becomes(server, "bide_held_seconds_count", 2));
  const std::string page = page_of(server);
  CHECK(value_of(page, "bide_held_seconds_bucket{le=\"+Inf\"}") == 2);
  CHECK(value_of(page, "bide_held_seconds_bucket{le=\"0.005\"}") <= 1);
  // The deadline is no event.
  CHECK(value_of(page, "bide_event_to_answer_seconds_count{to=\"request\"}") == 1);
  CHECK(value_of(page, "bide_event_to_answer_seconds_count{to=\"stream\"}") == 0);
  CHECK(value_of(page, "bide_event_to_answer_seconds_sum") > 0);
  CHECK(value_of(page, "bide_event_to_answer_seconds_sum") < 10);
  // All others were answered at once. On one connection a page tells of all the pages before it.
  Client reader = server.dial();
  CHECK(ServedTable::wait_until([&] {
    reader.send(get("/metrics"));
    const std::string next = reader.response();
    return value_of(next, "bide_service_seconds_count") ==
           value_of(next, "bide_responses_total") - 2;
  }));
}

TEST_CASE("metrics page: a record told on a stream is news from its event on") {
  ServedTable server;
  server.apply(defined("a", 1));
  for (const std::string target : {"/job/a/events", "/job/events"}) {
    const double before =
        value_of(page_of(server), "bide_event_to_answer_seconds_count{to=\"stream\"}");
    Client client = server.dial();
    client.send(get(target));
    REQUIRE(server.wait_parked(1));
    server.apply(happened("a", before == 0 ? 2 : 3, EventKind::kStarted, before == 0 ? "x" : "y"));
    CHECK(becomes(server, "bide_event_to_answer_seconds_count{to=\"stream\"}", before + 1));
    client.close();
    REQUIRE(server.wait_parked(0));
  }
  CHECK(value_of(page_of(server), "bide_held_seconds_count") == 0);
}

TEST_CASE("metrics page: a set is answered for the event of the job that decided") {
  ServedTable server;
  server.apply(defined("a", 1));
  server.apply(defined("b", 2));
  Client client = server.dial();
  client.send(get("/job?id=a&id=b&until=done&wait=30s&match=any"));
  REQUIRE(becomes(server, "bide_parked", 1));  // On all of them: the place is taken before.
  server.apply(happened("b", 3, EventKind::kCompleted, "x"));
  CHECK_FALSE(client.response().empty());
  CHECK(becomes(server, "bide_event_to_answer_seconds_count{to=\"request\"}", 1));
}

TEST_CASE("metrics page: a deletion is news, too") {
  ServedTable server;
  server.apply(defined("a", 1));
  Client client = server.dial();
  client.send(get("/job/a?until=done&wait=30s"));
  REQUIRE(server.wait_parked(1));
  Entry deletion;
  deletion.job_id = "a";
  deletion.revision = 2;
  deletion.what = Deletion{};
  server.apply(deletion);
  CHECK(client.response().starts_with("HTTP/1.1 404 "));
  CHECK(becomes(server, "bide_job_answers_total{outcome=\"gone\"}", 1));
  CHECK(becomes(server, "bide_event_to_answer_seconds_count{to=\"request\"}", 1));
}

TEST_CASE("metrics page: the time runs from the delivery that was not yet dealt with") {
  ServedTable server;
  server.apply(defined("a", 1));
  Client client = server.dial();
  client.send(get("/job/a?until=done&wait=30s"));
  REQUIRE(server.wait_parked(1));
  REQUIRE(
      server.table.apply(happened("a", 2, EventKind::kCompleted, "x"), system_clock().now() - 7s));
  CHECK_FALSE(client.response().empty());
  REQUIRE(becomes(server, "bide_event_to_answer_seconds_count", 1));
  const std::string page = page_of(server);
  CHECK(value_of(page, "bide_event_to_answer_seconds_bucket{to=\"request\",le=\"5\"}") == 0);
  CHECK(value_of(page, "bide_event_to_answer_seconds_sum{to=\"request\"}") >= 7);
}

TEST_CASE("metrics page: the parser's refusals are counted by status") {
  ServedTable server;
  for (const auto& [request, status] : std::vector<std::pair<std::string, std::string>>{
           {"GET / HTTP/1.1\r\n\r\n", "400"},
           {"GET /" + std::string(13'000, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n", "414"},
           {get("/", std::string("X: ") + std::string(30'000, 'a') + "\r\n"), "431"},
           {"GET / HTTP/3.0\r\nHost: t\r\n\r\n", "505"}}) {
    Client client = server.dial();
    client.send(request);
    CHECK(client.response().starts_with("HTTP/1.1 " + status));
    CHECK(becomes(server, "bide_requests_rejected_total{status=\"" + status + "\"}", 1));
  }
  CHECK(becomes(server, "bide_requests_rejected_total", 4));
}

TEST_CASE("metrics page: a head that does not come is a 408 and a slow client") {
  Front::Limits limits;
  limits.head = 50ms;
  ServedTable server(limits);
  Client client = server.dial();
  client.send("GET / HT");
  CHECK(client.response().starts_with("HTTP/1.1 408"));
  CHECK(becomes(server, "bide_requests_rejected_total{status=\"408\"}", 1));
  CHECK(becomes(server, "bide_clients_slow_total", 1));
}

TEST_CASE("metrics page: every reason has its own word") {
  using Request = RequestRefusal;
  for (const auto& [reason, word] : {std::pair(Request::kShed, "shed"),
                                     {Request::kDraining, "draining"},
                                     {Request::kNotReady, "not_ready"},
                                     {Request::kNotFresh, "not_fresh"},
                                     {Request::kNotCaughtUp, "not_caught_up"},
                                     {Request::kUnauthorized, "unauthorized"},
                                     {Request::kForbidden, "forbidden"},
                                     {Request::kRate, "rate"},
                                     {Request::kClientParked, "client_parked"},
                                     {Request::kClientUnread, "client_unread"},
                                     {Request::kLogins, "logins"}}) {
    CHECK(word_of(reason) == word);
  }
  CHECK(word_of(ConnectionRefusal::kDraining) == "draining");
  CHECK(word_of(ConnectionRefusal::kNoSlot) == "no_slot");
  CHECK(word_of(ConnectionRefusal::kNoWatch) == "no_watch");
  CHECK(word_of(ConnectionRefusal::kClient) == "client");
}

TEST_CASE("metrics page: requests that are not served as asked are counted by reason") {
  JobTable::Options options;
  options.parked_max = 1;
  ServedTable server({}, options);
  server.apply(defined("a", 1));
  Client first = server.dial();
  first.send(get("/job/a?until=done&wait=30s"));
  REQUIRE(server.wait_parked(1));
  Client second = server.dial();
  second.send(get("/job/a?until=done&wait=30s"));
  CHECK(second.response().find("Bide-Outcome: shed") != std::string::npos);
  CHECK(becomes(server, "bide_requests_refused_total{reason=\"shed\"}", 1));
  server.contact.heard(system_clock().now() - 1h);
  Client third = server.dial();
  third.send(get("/job/a"));
  CHECK(third.response().starts_with("HTTP/1.1 503 "));
  CHECK(becomes(server, "bide_requests_refused_total{reason=\"not_fresh\"}", 1));
  CHECK(value_of(page_of(server), "bide_nats_contact_age_seconds") >= 3600);
  server.contact.set_ready(false);
  Client fourth = server.dial();
  fourth.send(get("/job/a"));
  CHECK(fourth.response().starts_with("HTTP/1.1 503 "));
  CHECK(becomes(server, "bide_requests_refused_total{reason=\"not_ready\"}", 1));
}

}  // namespace
}  // namespace bide
