// Writes over HTTP, on the real front with a real socket, and a bucket that tests control.
#include "server/api/write_resource.h"

#include <doctest/doctest.h>

#include "tests/server/auth/fake_authority.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::FakeAuthority;
using testing::ServedTable;
using End = Write::End;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
int status_of(const std::string& response) {
  return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}

std::string request(const std::string& line, const std::string& body = "",
                    const std::string& fields = "") {
  return line + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + fields + "\r\n" + body;
}
std::string ask(const ServedTable& server, const std::string& text) {
  Client client = server.dial();
  client.send(text);
  return client.response();
}
std::string report(const ServedTable& server, const std::string& body,
                   const std::string& fields = "", const std::string& target = "/job/j/events") {
  return ask(server, request("POST " + target, body, fields));
}
// So that the answer can be given by hand.
WritePtr kept(ServedTable& server) {
  WritePtr write;
  REQUIRE(ServedTable::wait_until([&] { return (write = server.writer.pending()) != nullptr; }));
  return write;
}

}  // namespace

TEST_CASE("write: an event defines the job, and is in the answer") {
  ServedTable server;
  const std::string response = report(server, "started");
  CHECK(status_of(response) == 201);
  CHECK(has(response, "\r\nLocation: /api/job/j\r\n"));
  CHECK(has(response, "\r\nBide-Status: processing\r\n"));
  CHECK(has(response, "\r\nETag: \""));
  CHECK(has(response, "\"event\":\"started\""));
  const std::string again = report(server, "exit=0");
  CHECK(status_of(again) == 201);
  CHECK(has(again, "\r\nBide-Status: completed\r\n"));
  CHECK(server.writer.submitted[0]->exists == false);
  CHECK(server.writer.submitted[1]->exists == true);
  CHECK(server.writer.in_flight() == 0);
}

TEST_CASE("write: several on one connection, pipelined with reads") {
  ServedTable server;
  Client client = server.dial();
  client.send(request("PUT /job/j") + request("POST /job/j/events", "started") +
              "GET /job/j HTTP/1.1\r\nHost: test\r\nAccept: text/plain\r\n\r\n" +
              request("POST /job/j/events", "exit=1"));
  CHECK(status_of(client.response()) == 201);
  CHECK(status_of(client.response()) == 201);
  CHECK(has(client.response(), "\r\n\r\nprocessing\n"));
  CHECK(has(client.response(), "\r\nBide-Status: failed\r\n"));
}

TEST_CASE("write: PUT tells a new job from one that exists") {
  ServedTable server;
  server.writer.stores = false;
  const auto put = [&](Writes::Result result, const std::string& fields = "") {
    Client client = server.dial();
    client.send(request("PUT /job/j", "{}", fields));
    const WritePtr write = kept(server);
    CHECK(write->kind == Write::Kind::kDefine);
    server.writer.finish(write, std::move(result));
    return client.response();
  };
  server.apply(defined("j", 1));
  server.table.reach(1);
  const std::string same = put({.end = End::kSame, .revision = 1});
  CHECK(status_of(same) == 200);
  CHECK(has(same, "\r\nLocation: /api/job/j\r\n"));
  CHECK(status_of(put({.end = End::kStored, .revision = 1})) == 201);
  const std::string other = put({.end = End::kOther, .revision = 1});
  CHECK(status_of(other) == 409);
  CHECK(has(other, "urn:bide:problem:job-exists"));
  const std::string kOnlyNew = "If-None-Match: *\r\n";
  CHECK(status_of(put({.end = End::kSame, .revision = 1}, kOnlyNew)) == 412);
  CHECK(status_of(put({.end = End::kOther, .revision = 1}, kOnlyNew)) == 412);
  CHECK(status_of(put({.end = End::kStored, .revision = 1}, kOnlyNew)) == 201);
}

TEST_CASE("write: If-None-Match: * of a report is judged before anything is written") {
  ServedTable server;
  const std::string kOnlyNew = "If-None-Match: *\r\n";
  const auto post = [&](const std::string& job) {
    Client client = server.dial();
    client.send(request("POST /job/" + job + "/events", "started", kOnlyNew));
    return status_of(client.response());
  };
  CHECK(post("new") == 201);
  CHECK(post("new") == 412);
  CHECK(server.writer.submitted.size() == 1);
}

TEST_CASE("write: how the bucket's answers become statuses") {
  ServedTable server;
  server.writer.stores = false;
  const auto post = [&](Writes::Result result) {
    Client client = server.dial();
    client.send(request("POST /job/j/events", "started"));
    server.writer.finish(kept(server), std::move(result));
    return client.response();
  };
  for (const auto& [end, status] :
       {std::pair(End::kAway, 503), {End::kRefused, 503}, {End::kUnknown, 504}}) {
    const std::string response = post({.end = end, .why = "full"});
    CHECK(status_of(response) == status);
    CHECK(has(response, "application/problem+json"));
    CHECK(has(response, status == 503 ? "nothing was stored" : "not-known-to-be-stored"));
    CHECK(has(response, "\r\nRetry-After: ") == (status == 503));
  }
  // The job was deleted right behind the write.
  CHECK(status_of(post({.end = End::kStored, .revision = 0})) == 404);
}

TEST_CASE("write: POST to the list chooses an id, and tells it") {
  ServedTable server;
  const std::string response = ask(server, request("POST /job", R"({"operation":{"a":1}})"));
  CHECK(status_of(response) == 201);
  const std::string id = server.writer.submitted.back()->job_id;
  CHECK(id.size() == 36);
  CHECK(id[14] == '7');
  CHECK(has(response, "\r\nLocation: /api/job/" + id + "\r\n"));
  CHECK(has(response, "\"id\":\"" + id + "\""));
  (void)ask(server, request("POST /job"));
  // In the order of time, whose milliseconds stand in front.
  CHECK(server.writer.submitted.back()->job_id.substr(0, 13) >= id.substr(0, 13));
}

TEST_CASE("write: DELETE") {
  ServedTable server;
  CHECK(status_of(report(server, "started")) == 201);
  const std::string tag = [&] {
    const std::string got = ask(server, "GET /job/j HTTP/1.1\r\nHost: test\r\n\r\n");
    const std::size_t begin = got.find("\r\nETag: ") + 8;
    return got.substr(begin, got.find('\r', begin) - begin);
  }();
  CHECK(status_of(ask(server, request("DELETE /job/j?force=1"))) == 400);
  CHECK(status_of(ask(server, request("DELETE /job/j", "", "If-Match: \"other\"\r\n"))) == 412);
  const std::string gone = ask(server, request("DELETE /job/j", "", "If-Match: " + tag + "\r\n"));
  CHECK(status_of(gone) == 204);
  CHECK(!has(gone, "Content-Length"));
  CHECK(status_of(ask(server, "GET /job/j HTTP/1.1\r\nHost: test\r\n\r\n")) == 404);
}

TEST_CASE("write: DELETE takes what NATS had when it came, though the table is behind") {
  ServedTable server;
  CHECK(status_of(report(server, "started&agent=a")) == 201);
  // The event of b is stored, but not applied yet.
  const Revision next = server.table.position().revision() + 1;
  server.tail.ends_at({server.table.position().get().epoch, next});
  Client client = server.dial();
  client.send(request("DELETE /job/j"));
  REQUIRE(ServedTable::wait_until([&] { return server.tail.reads() > 0; }));
  const Entry late = testing::happened("j", next, EventKind::kStarted, "b");
  REQUIRE(server.table.apply(late));
  server.writer.revision = next;
  server.table.reach(next);
  CHECK(status_of(client.response()) == 204);
  CHECK(server.writer.submitted.back()->keys.size() == 2);
}

TEST_CASE("write: create and wait") {
  ServedTable server;
  Client client = server.dial();
  client.send(request("PUT /job/j?until=done&wait=30s"));
  REQUIRE(server.wait_parked(1));
  CHECK(status_of(report(server, "exit=2")) == 201);
  const std::string response = client.response();
  CHECK(status_of(response) == 201);
  CHECK(has(response, "\r\nBide-Outcome: done\r\n"));
  CHECK(has(response, "\r\nBide-Status: failed\r\n"));
  CHECK(has(response, "\r\nBide-Waited: "));
  CHECK(has(response, "\r\nLocation: /api/job/j\r\n"));
  const std::string minimal =
      report(server, "started", "Prefer: return=minimal\r\n", "/job/k/events?wait=0");
  CHECK(status_of(minimal) == 201);
  CHECK(has(minimal, "\r\nContent-Length: 0\r\n"));
  CHECK(has(minimal, "\r\nPreference-Applied: return=minimal\r\n"));
}

TEST_CASE("write: who has too many under way, and when all is full") {
  ServedTable server;
  server.writer.room = Writer::Room::kClientFull;
  CHECK(status_of(report(server, "started")) == 429);
  server.writer.room = Writer::Room::kFull;
  const std::string full = report(server, "started");
  CHECK(status_of(full) == 503);
  CHECK(has(full, "nothing was stored"));
  CHECK(server.writer.submitted.empty());
}

TEST_CASE("write: a client that leaves while its write is under way") {
  ServedTable server;
  server.writer.stores = false;
  {
    Client client = server.dial();
    client.send(request("POST /job/j/events", "started"));
    (void)kept(server);
  }
  REQUIRE(ServedTable::wait_until([&] { return server.connections() == 0; }));
  server.writer.store(server.writer.submitted.back());
  CHECK(status_of(ask(server, "GET /job/j HTTP/1.1\r\nHost: test\r\n\r\n")) == 200);
}

TEST_CASE("write: an Idempotency-Key names the request as a whole") {
  ServedTable server;
  const auto id_of = [&](const std::string& body, const std::string& key,
                         const std::string& target = "/job/j/events") {
    CHECK(status_of(report(server, body, "Idempotency-Key: " + key + "\r\n", target)) == 201);
    CHECK(server.writer.submitted.back()->repeatable);
    return server.writer.submitted.back()->message_id;
  };
  const std::string first = id_of("started", "k1");
  CHECK(first == id_of("started", "k1"));
  CHECK(first != id_of("started", "k2"));
  CHECK(first != id_of("exit=0", "k1"));
  CHECK(first != id_of("started", "k1", "/job/k/events"));
  CHECK(status_of(report(server, "started")) == 201);
  CHECK_FALSE(server.writer.submitted.back()->repeatable);
  const std::string one = server.writer.submitted.back()->message_id;
  CHECK(status_of(report(server, "started")) == 201);
  CHECK(one != server.writer.submitted.back()->message_id);
  for (const std::string& bad :
       {std::string("a b"), std::string(65, 'x'), std::string("\xC3\xA4")}) {
    CHECK(status_of(report(server, "started", "Idempotency-Key: " + bad + "\r\n")) == 400);
  }
  CHECK(status_of(report(server, "started", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n")) ==
        400);
}

TEST_CASE("write: methods that a resource does not have") {
  ServedTable server;
  const auto allow = [&](const std::string& line) {
    const std::string response = ask(server, request(line));
    CHECK(status_of(response) == 405);
    const std::size_t begin = response.find("\r\nAllow: ") + 9;
    return response.substr(begin, response.find('\r', begin) - begin);
  };
  CHECK(allow("POST /job/j") == "GET, HEAD, PUT, DELETE");
  CHECK(allow("PUT /job/j/events") == "GET, HEAD, POST");
  CHECK(allow("DELETE /job") == "GET, HEAD, POST");
  CHECK(allow("POST /job/status") == "GET, HEAD");
  CHECK(allow("POST /job/events") == "GET, HEAD");
  CHECK(allow("PUT /livez") == "GET, HEAD");
}

TEST_CASE("write: pages of other origins may not, whatever they send") {
  ServedTable server;
  for (const char* const foreign :
       {"Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n", "Origin: http://test:81\r\n",
        "Origin: http://test\r\nOrigin: http://test\r\n",
        "Origin: http://test\r\nSec-Fetch-Site: cross-site\r\n"}) {
    CAPTURE(foreign);
    CHECK(status_of(report(server, "started", foreign)) == 403);
  }
  CHECK(server.writer.submitted.empty());
  for (const char* const own : {"Origin: http://test\r\n", "Sec-Fetch-Site: same-origin\r\n",
                                "Sec-Fetch-Site: none\r\n", "Origin: HTTPS://TEST\r\n"}) {
    CAPTURE(own);
    CHECK(status_of(report(server, "started", own)) == 201);
  }
}

TEST_CASE("write: without authentication only from this machine, and by no proxy") {
  ServedTable server;
  for (const char* const proxied :
       {"Via: 1.1 nginx\r\n", "X-Forwarded-For: 127.0.0.1\r\n", "Forwarded: for=127.0.0.1\r\n"}) {
    CAPTURE(proxied);
    CHECK(status_of(report(server, "started", proxied)) == 403);
  }
  CHECK(server.writer.submitted.empty());
}

TEST_CASE("write: a token must permit it, for this job") {
  FakeAuthority authority;
  authority.permit("reader-1", 1);
  authority.permit_all("writer-1", {.client = 2, .writes = true});
  authority.permit_all("mute-1", {.client = 3, .reads = false, .writes = true});
  authority.permit_all(
      "own-1", {.client = 4,
                .writes = true,
                .jobs = std::make_shared<const JobScope>(std::vector<std::string>{"own-*", "j"})});
  ServedTable server({}, {}, system_clock(), &authority);
  const auto bearing = [](const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
  };
  CHECK(status_of(report(server, "started")) == 401);
  const std::string denied = report(server, "started", bearing("reader-1"));
  CHECK(status_of(denied) == 403);
  CHECK(has(denied, "scope=\"job:write\""));
  CHECK(status_of(report(server, "started", bearing("writer-1") + "Via: 1.1 nginx\r\n")) == 201);
  const std::string mute = report(server, "exit=0", bearing("mute-1"));
  CHECK(status_of(mute) == 201);
  CHECK(has(mute, "\r\nContent-Length: 0\r\n"));
  const auto get = [&](const std::string& target, const std::string& token) {
    return status_of(
        ask(server, "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + bearing(token) + "\r\n"));
  };
  CHECK(get("/job/j", "mute-1") == 403);
  CHECK(status_of(report(server, "started", bearing("own-1"), "/job/own-1/events")) == 201);
  CHECK(status_of(report(server, "started", bearing("own-1"), "/job/other/events")) == 403);
  CHECK(status_of(ask(server, request("POST /job", "", bearing("own-1")))) == 403);
  CHECK(get("/job/own-1", "own-1") == 200);
  CHECK(get("/job?id=own-1,j", "own-1") == 200);
  for (const char* const beyond :
       {"/job/other", "/job?id=own-1,other", "/job?id=own-1&id=other", "/job", "/job/status",
        "/job/events", "/job/other/events", "/metrics", "/job?id=own-1,"}) {
    CAPTURE(beyond);
    CHECK(get(beyond, "own-1") == 403);
  }
  // A cookie is sent by every page's requests.
  const std::string cookie = "Cookie: bide_token=writer-1\r\n";
  CHECK(status_of(report(server, "started", cookie)) == 403);
  CHECK(status_of(report(server, "started", cookie + "Sec-Fetch-Site: same-origin\r\n")) == 201);
}

}  // namespace bide
