// Requests that wait for jobs that do not exist yet: contract table, rows 1 and 2.
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <vector>

#include "tests/server/auth/fake_authority.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::deleted;
using testing::FakeAuthority;
using testing::happened;
using testing::ServedTable;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
int status_of(const std::string& response) {
  return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}

Client ask(const ServedTable& server, const std::string& target, const std::string& fields = "",
           const std::string& method = "GET") {
  Client client = server.dial();
  client.send(method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n");
  return client;
}
std::string answer_to(const ServedTable& server, const std::string& target,
                      const std::string& fields = "") {
  return ask(server, target, fields).response();
}

// `count` requests wait for what their condition says, and not until the table has caught up.
bool wait_held(ServedTable& server, std::uint64_t count) {
  return ServedTable::wait_until(
      [&] { return server.http_metrics.sum(&HttpTally::requests_parked) == count; });
}
Client hold(ServedTable& server, const std::string& target, const std::string& fields = "") {
  const std::uint64_t before = server.http_metrics.sum(&HttpTally::requests_parked);
  Client client = ask(server, target, fields);
  CHECK(wait_held(server, before + 1));
  return client;
}

}  // namespace

TEST_CASE("missing job: until anything but change waits for the job, then for the condition") {
  for (const std::string until :
       {"exists", "done", "succeeded", "completed", "failed,completed", "done&missing=wait"}) {
    ServedTable server;
    Client client = hold(server, "/job/new?wait=30s&until=" + until);
    CHECK(server.table.parked() == 1);
    server.apply(happened("new", 1, EventKind::kStarted, "a"));
    server.apply(defined("new", 2));
    if (until != "exists") {
      CHECK(status_of(answer_to(server, "/job/new")) == 200);
      CHECK(server.table.parked() == 1);
      server.apply(happened("new", 3, EventKind::kCompleted, "a"));
    }
    const std::string response = client.response();
    INFO(until);
    CHECK(status_of(response) == 200);
    CHECK(has(response, "\r\nBide-Outcome: done\r\n"));
    CHECK(has(response, "\r\nBide-Waited: "));
    CHECK(has(response, until == "exists" ? "Bide-Status: processing" : "Bide-Status: completed"));
    CHECK(server.table.parked() == 0);
    CHECK(server.table.records() == 1);
  }
}

TEST_CASE("missing job: the state at the deadline is the job's, if it came") {
  ServedTable server;
  Client client = hold(server, "/job/new?wait=400ms&until=done", "Accept: text/plain\r\n");
  server.apply(defined("new", 1));
  const std::string response = client.response();
  CHECK(status_of(response) == 200);
  CHECK(has(response, "\r\nBide-Outcome: timeout\r\n"));
  CHECK(has(response, "\r\n\r\nsubmitted\n"));
}

TEST_CASE("missing job: at the deadline it is 404, and says that it was waited for") {
  ServedTable server;
  for (const std::string target :
       {"/job/new?wait=100ms&until=done", "/job/new?wait=100ms&until=exists",
        "/job?id=new&id=other&wait=100ms&until=succeeded"}) {
    const std::string response = answer_to(server, target);
    INFO(target);
    CHECK(status_of(response) == 404);
    CHECK(has(response, "urn:bide:problem:job-not-found"));
    CHECK(has(response, "\r\nBide-Outcome: timeout\r\n"));
    CHECK(has(response, "\r\nBide-Waited: 0."));
    CHECK(has(response, "\r\nCache-Control: no-store\r\n"));
    CHECK_FALSE(has(response, "Retry-After"));
  }
  CHECK(server.http_metrics.sum(&HttpTally::requests_parked) == 3);
  CHECK(server.table.parked() == 0);
  CHECK(server.table.records() == 0);
}

TEST_CASE("missing job: until=change, missing=fail and no wait are 404 at once") {
  ServedTable server;
  server.apply(defined("here", 1));
  for (const std::string target :
       {"/job/new", "/job/new?until=done", "/job/new?missing=wait", "/job/new?wait=30s",
        "/job/new?wait=30s&until=change", "/job/new?wait=30s&until=done&missing=fail",
        "/job/new?wait=30s&until=exists&missing=fail", "/job/new?wait=0&until=done",
        "/job?id=here,new&wait=30s", "/job?id=here,new&wait=30s&until=done&missing=fail",
        "/job?id=here,new&until=done"}) {
    const unsigned reads = server.tail.reads();
    const std::string response = answer_to(server, target);
    INFO(target);
    CHECK(status_of(response) == 404);
    CHECK(server.tail.reads() == reads + 1);
    CHECK(has(response, "Bide-Outcome: now") == has(target, "wait=30s"));
  }
  // There is no state that `*` does not match, and none that If-Match could list.
  const std::string target = "/job/new?wait=30s&until=done";
  CHECK(status_of(answer_to(server, target, "If-None-Match: *\r\n")) == 404);
  CHECK(status_of(answer_to(server, target, "If-Match: \"1-1-0123456789abcdef\"\r\n")) == 404);
  CHECK(server.http_metrics.sum(&HttpTally::requests_parked) == 0);
}

TEST_CASE("missing job: what missing may be is said, and streams do not know it") {
  ServedTable server;
  for (const std::string target :
       {"/job/new?missing=soon", "/job/new?missing=", "/job/new?missing=wait&missing=fail",
        "/job?id=new&missing=soon", "/job/new/events?missing=wait"}) {
    INFO(target);
    CHECK(status_of(answer_to(server, target)) == 400);
  }
  CHECK(has(answer_to(server, "/job/new?missing=soon"), "missing is wait or fail"));
}

TEST_CASE("missing job: a job that came and was deleted while it was waited for is 404 at once") {
  ServedTable server;
  Client one = hold(server, "/job/new?wait=30s&until=done");
  Client set = hold(server, "/job?id=new&id=other&wait=30s&until=done");
  server.apply(defined("new", 1));
  server.apply(deleted(defined("new", 1), 2));
  for (Client* client : {&one, &set}) {
    const std::string response = client->response();
    CHECK(status_of(response) == 404);
    CHECK(has(response, "while you waited"));
    CHECK_FALSE(has(response, "Bide-Outcome"));
  }
  CHECK(server.table.records() == 0);
}

TEST_CASE("missing job: a set waits for its jobs, and answers without them if others decide") {
  ServedTable server;
  server.apply(defined("here", 1));
  Client all = hold(server, "/job?id=new&id=here&wait=30s&until=done");
  Client any = hold(server, "/job?id=new&id=here&wait=30s&until=done&match=any");
  Client impossible = hold(server, "/job?id=new&id=here&wait=30s&until=succeeded");
  server.apply(happened("here", 2, EventKind::kFailed, "a"));
  std::string response = any.response();
  CHECK(status_of(response) == 200);
  CHECK(has(response, R"({"items":[{"id":"here",)"));
  response = impossible.response();
  CHECK(status_of(response) == 409);
  CHECK(has(response, R"("jobs":{"items":[{"id":"here",)"));
  server.apply(defined("new", 3));
  server.apply(happened("new", 4, EventKind::kCompleted, "a"));
  response = all.response();
  CHECK(status_of(response) == 200);
  CHECK(has(response, R"({"items":[{"id":"new",)"));
  CHECK(has(response, "Bide-Status: partial_failure"));
}

TEST_CASE("missing job: a client that hangs up leaves nothing in the table") {
  ServedTable server;
  for (const std::string target :
       {"/job/new?wait=30s&until=done", "/job?id=new&id=other&wait=30s&until=done"}) {
    Client client = hold(server, target);
    CHECK(server.table.records() > 0);
    client.reset();
    CHECK(server.wait_parked(0));
    CHECK(server.table.records() == 0);
    CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
  }
}

TEST_CASE("missing job: one client's waits count against its places") {
  Front::Limits limits;
  limits.per_client.places = 3;
  ServedTable server(limits);
  std::vector<Client> clients;
  for (const std::string target :
       {"/job/a?wait=30s&until=done", "/job?id=b&id=c&wait=30s&until=done"}) {
    clients.push_back(hold(server, target));
  }
  for (const std::string target :
       {"/job/d?wait=30s&until=done", "/job?id=d&id=e&wait=30s&until=done"}) {
    const std::string response = answer_to(server, target);
    CHECK(status_of(response) == 429);
    CHECK(has(response, "\r\nRetry-After: "));
  }
  CHECK(server.table.records() == 3);
  server.apply(defined("a", 1));
  server.apply(happened("a", 2, EventKind::kCompleted, "x"));
  CHECK(status_of(clients.front().response()) == 200);
  clients.push_back(hold(server, "/job/d?wait=30s&until=done"));
  CHECK(server.table.parked() == 2);
}

TEST_CASE("missing job: draining answers as at the deadline") {
  ServedTable server;
  Client client = hold(server, "/job/new?wait=30s&until=done");
  auto drained = std::async(std::launch::async, [&] { server.drain(); });
  const std::string response = client.response();
  client.close();
  drained.get();
  CHECK(status_of(response) == 404);
  CHECK(has(response, "\r\nBide-Outcome: drain\r\n"));
  CHECK(has(response, "\r\nConnection: close\r\n") != testing::speak_http2());
  CHECK(server.table.records() == 0);
}

TEST_CASE("missing job: a token that expires ends the wait a second before") {
  FakeAuthority authority;
  authority.permit("ada-1", 1, 1300ms);
  ServedTable server({}, {}, system_clock(), &authority);
  Client client = hold(server, "/job/new?wait=30s&until=done", "Authorization: Bearer ada-1\r\n");
  const std::string response = client.response();
  CHECK(status_of(response) == 404);
  CHECK(has(response, "\r\nBide-Outcome: auth\r\n"));
}

TEST_CASE("missing job: while NATS is away it is 503, at once or at the deadline") {
  ServedTable server;
  Client held = hold(server, "/job/new?wait=600ms&until=done");
  server.contact.heard(system_clock().now() - 10s);
  const std::string late = answer_to(server, "/job/new?wait=30s&until=done");
  const std::string response = held.response();
  for (const std::string& one : {late, response}) {
    CHECK(status_of(one) == 503);
    CHECK(has(one, "\r\nRetry-After: 1\r\n"));
  }
  CHECK(server.table.records() == 0);
}

TEST_CASE("missing job: HEAD waits as GET does") {
  ServedTable server;
  Client client = ask(server, "/job/new?wait=30s&until=done", "", "HEAD");
  CHECK(wait_held(server, 1));
  server.apply(defined("new", 1));
  server.apply(happened("new", 2, EventKind::kCompleted, "a"));
  const std::string head = client.response(true);
  CHECK(status_of(head) == 200);
  CHECK(has(head, "\r\nBide-Status: completed\r\n"));
  client.send("GET /livez HTTP/1.1\r\nHost: test\r\n\r\n");
  CHECK(status_of(client.response()) == 200);
}

}  // namespace bide
