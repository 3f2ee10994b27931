// Which clients may read, and for how long, on the real front with a real socket.
#include "server/api/admission.h"

#include <doctest/doctest.h>

#include "tests/server/auth/fake_authority.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::FakeAuthority;
using testing::happened;
using testing::ServedTable;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
int status_of(const std::string& response) {
  return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}

std::string request(const std::string& target, const std::string& fields = "",
                    const std::string& method = "GET") {
  return method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}
std::string bearing(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }

std::string get(const ServedTable& server, const std::string& target,
                const std::string& fields = "", const std::string& method = "GET") {
  Client client = server.dial();
  client.send(request(target, fields, method));
  return client.response(method == "HEAD");
}

std::string tag_in(const std::string& response) {
  const std::size_t begin = response.find("\r\nETag: ") + 8;
  return response.substr(begin, response.find('\r', begin) - begin);
}

const std::string kApp = "https://app.example.com";

struct Guarded {
  FakeAuthority authority;
  ServedTable server;
  explicit Guarded(Front::Limits limits = {})
      : server(limits, {}, system_clock(), &authority, {kApp}) {
    authority.permit("ada-1", 1);
    authority.permit("bob-1", 2);
    authority.forbid("eve-1");
    server.apply(defined("a", 1));
  }
};

}  // namespace

TEST_CASE("admission: 401 without a token challenges and names no error") {
  Guarded guarded;
  for (const char* const target :
       {"/job/a", "/job/none", "/job/a?wait=bad", "/job/status", "/job", "/job?id=a", "/job/events",
        "/job/a/events", "/job/a/ws", "/job/status/events", "/job/status/ws", "/api/job/a",
        "/metrics"}) {
    CAPTURE(target);
    const std::string response = get(guarded.server, target);
    CHECK(status_of(response) == 401);
    CHECK(has(response, "\r\nWWW-Authenticate: Bearer realm=\"bide\"\r\n"));
    CHECK(has(response, "\r\nCache-Control: no-store\r\n"));
    CHECK(has(response, "\r\nContent-Type: application/problem+json\r\n"));
  }
  CHECK(guarded.server.http_metrics.refused(RequestRefusal::kUnauthorized).load() == 13);
}

TEST_CASE("admission: a token in the URL is none") {
  Guarded guarded;
  CHECK(status_of(get(guarded.server, "/job/a?access_token=ada-1&token=ada-1")) == 401);
}

TEST_CASE("admission: path and method are judged before the client, parameters after it") {
  Guarded guarded;
  CHECK(status_of(get(guarded.server, "/nothing")) == 404);
  CHECK(status_of(get(guarded.server, "/job/a", "", "POST")) == 405);
  CHECK(status_of(get(guarded.server, "/job/a", "", "BREW")) == 501);
  CHECK(status_of(get(guarded.server, "/job/a?wait=bad")) == 401);
  CHECK(status_of(get(guarded.server, "/job/a?wait=bad", bearing("ada-1"))) == 400);
  CHECK(status_of(get(guarded.server, "/job/none", bearing("ada-1"))) == 404);
}

TEST_CASE("admission: probes need no token") {
  Guarded guarded;
  for (const char* const target : {"/livez", "/readyz", "/health", "/health/ready"}) {
    CHECK(status_of(get(guarded.server, target)) == 200);
  }
}

TEST_CASE("admission: a good token reads, however it is presented") {
  Guarded guarded;
  CHECK(status_of(get(guarded.server, "/job/a", bearing("ada-1"))) == 200);
  CHECK(status_of(get(guarded.server, "/job/a", bearing("ada-1"), "HEAD")) == 200);
  CHECK(status_of(get(guarded.server, "/job/a", "Cookie: x=y; bide_token=ada-1\r\n")) == 200);
  CHECK(status_of(get(guarded.server, "/metrics", bearing("ada-1"))) == 200);
}

TEST_CASE("admission: bad tokens get 401 invalid_token, good ones without job:read 403") {
  Guarded guarded;
  const std::string bad = get(guarded.server, "/job/a", bearing("mallory"));
  CHECK(status_of(bad) == 401);
  CHECK(has(bad, "WWW-Authenticate: Bearer realm=\"bide\", error=\"invalid_token\"\r\n"));
  CHECK_FALSE(has(bad, "mallory"));
  guarded.authority.permit("old-1", 1, -1s);
  const std::string old = get(guarded.server, "/job/a", bearing("old-1"));
  CHECK(status_of(old) == 401);
  CHECK(has(old, "expired"));
  const std::string eve = get(guarded.server, "/job/a", bearing("eve-1"));
  CHECK(status_of(eve) == 403);
  CHECK(has(eve,
            "WWW-Authenticate: Bearer realm=\"bide\", error=\"insufficient_scope\", "
            "scope=\"job:read\"\r\n"));
  CHECK(guarded.server.http_metrics.refused(RequestRefusal::kForbidden).load() == 1);
  const std::string two = get(guarded.server, "/job/a", bearing("ada-1") + bearing("bob-1"));
  CHECK(status_of(two) == 400);
  CHECK(has(two, "error=\"invalid_request\""));
}

TEST_CASE("admission: a held request ends a second before its token, as at the deadline") {
  Guarded guarded;
  guarded.authority.permit("brief", 1, 1200ms);
  const std::string tag = tag_in(get(guarded.server, "/job/a", bearing("ada-1")));
  Client client = guarded.server.dial();
  client.send(request("/job/a?wait=50s", bearing("brief") + "If-None-Match: " + tag + "\r\n"));
  const std::string same = client.response(true);
  CHECK(status_of(same) == 304);
  CHECK(has(same, "\r\nBide-Outcome: auth\r\n"));
  CHECK(guarded.server.table.parked() == 0);

  client.send(request("/job/a?wait=50s&until=done", bearing("brief")));
  const std::string undone = client.response();
  CHECK(status_of(undone) == 200);
  CHECK(has(undone, "\r\nBide-Outcome: auth\r\n"));
}

TEST_CASE("admission: a token with less than a second left does not wait at all") {
  Guarded guarded;
  guarded.authority.permit("last", 1, 900ms);
  const std::string response = get(guarded.server, "/job/a?wait=50s&until=done", bearing("last"));
  CHECK(status_of(response) == 200);
  CHECK(has(response, "\r\nBide-Outcome: auth\r\n"));
}

TEST_CASE("admission: a token that lasts longer than the wait changes nothing") {
  Guarded guarded;
  const std::string response = get(guarded.server, "/job/a?wait=50ms&until=done", bearing("ada-1"));
  CHECK(has(response, "\r\nBide-Outcome: timeout\r\n"));
}

TEST_CASE("admission: one client waits for 32 pages of the list, and others for theirs") {
  Guarded guarded;
  ServedTable& server = guarded.server;
  const std::string seen =
      "If-None-Match: " + tag_in(get(server, "/job?offset=1", bearing("ada-1"))) + "\r\n";
  std::vector<Client> held;
  const auto wait = [&](const std::string& target, const std::string& token) {
    held.push_back(server.dial());
    held.back().send(request(target, bearing(token) + seen));
  };
  for (int i = 1; i <= 32; ++i) wait("/job?wait=50s&offset=" + std::to_string(i), "ada-1");
  REQUIRE(server.wait_parked(32));
  const std::string refused = get(server, "/job?wait=50s&offset=33", bearing("ada-1") + seen);
  CHECK(status_of(refused) == 429);
  CHECK(has(refused, "\r\nRetry-After: 1\r\n"));
  CHECK(server.http_metrics.refused(RequestRefusal::kClientParked).load() == 1);
  // A page that is held already, one that need not be held, and others are not concerned.
  wait("/job?wait=50s&offset=32", "ada-1");
  CHECK(status_of(get(server, "/job?wait=50s&offset=33", bearing("ada-1"))) == 200);
  for (int i = 1; i <= 40; i += 20) wait("/job?wait=50s&offset=" + std::to_string(i), "bob-1");
  CHECK(server.wait_parked(35));
}

TEST_CASE("admission: one client's held requests end at its limit, with 429 and Retry-After") {
  Front::Limits limits;
  limits.per_client.places = 2;
  Guarded guarded(limits);
  guarded.authority.permit("ada-2", 1);  // The same subject.
  std::vector<Client> held;
  for (const char* const token : {"ada-1", "ada-2"}) {
    held.push_back(guarded.server.dial());
    held.back().send(request("/job/a?wait=50s&until=done", bearing(token)));
  }
  REQUIRE(guarded.server.wait_parked(2));

  const std::string refused = get(guarded.server, "/job/a?wait=50s&until=done", bearing("ada-1"));
  CHECK(status_of(refused) == 429);
  CHECK(has(refused, "\r\nRetry-After: 1\r\n"));
  CHECK(guarded.server.http_metrics.refused(RequestRefusal::kClientParked).load() == 1);
  // What need not wait is answered, and others are not concerned.
  CHECK(status_of(get(guarded.server, "/job/a?wait=50s", bearing("ada-1"))) == 200);
  CHECK(status_of(get(guarded.server, "/job/a", bearing("ada-1"))) == 200);
  Client bob = guarded.server.dial();
  bob.send(request("/job/a?wait=50s&until=done", bearing("bob-1")));
  REQUIRE(guarded.server.wait_parked(3));

  // Places come back by answers, and by clients that leave: not right behind their request, where
  // it might be a half-close.
  const TimePoint sent = system_clock().now();
  REQUIRE(ServedTable::wait_until([&] { return system_clock().now() > sent + 5ms; }));
  held.pop_back();
  REQUIRE(guarded.server.wait_parked(2));
  REQUIRE(ServedTable::wait_until([&] { return guarded.server.connections() == 2; }));
  held.push_back(guarded.server.dial());
  held.back().send(request("/job/a?wait=50s&until=done", bearing("ada-1")));
  REQUIRE(guarded.server.wait_parked(3));
  guarded.server.apply(happened("a", 2, EventKind::kCompleted, "agent"));
  for (Client& client : held) CHECK(status_of(client.response()) == 200);
  CHECK(status_of(bob.response()) == 200);
  // All are free again, on the same connections.
  guarded.server.apply(defined("b", 3));
  for (Client& client : held) client.send(request("/job/b?wait=50s&until=done", bearing("ada-1")));
  REQUIRE(guarded.server.wait_parked(2));
}

TEST_CASE("admission: bad tokens of one address end at twenty a minute, good ones do not count") {
  Guarded guarded;
  for (int i = 0; i < 30; ++i) {
    CHECK(status_of(get(guarded.server, "/job/a", bearing("ada-1"))) == 200);
    CHECK(status_of(get(guarded.server, "/job/a", bearing("eve-1"))) == 403);
    CHECK(status_of(get(guarded.server, "/job/a")) == 401);  // No token is no attempt.
  }
  guarded.authority.permit("old-1", 1, -1s);
  Client client = guarded.server.dial();
  const auto ask = [&](const std::string& token) {
    client.send(request("/job/a", bearing(token)));
    return client.response();
  };
  int refused = 0;
  std::string last;
  for (int i = 0; i < 30 && refused == 0; ++i) {
    last = ask(i % 2 == 0 ? "mallory" + std::to_string(i) : "old-1");
    if (status_of(last) == 429) ++refused;
    if (i < 20) CHECK(status_of(last) == 401);
  }
  REQUIRE(refused == 1);
  CHECK(has(last, "\r\nRetry-After: 3\r\n"));
  CHECK(guarded.server.http_metrics.refused(RequestRefusal::kLogins).load() == 1);
  // A token that is known to be good passes, and others are not concerned.
  guarded.authority.know("bob-1");
  CHECK(status_of(ask("bob-1")) == 200);
  Client other = guarded.server.dial_from("127.0.0.2");
  other.send(request("/job/a", bearing("ada-1")));
  CHECK(status_of(other.response()) == 200);
}

TEST_CASE("admission: a held set takes a place of its client's for each id") {
  Front::Limits limits;
  limits.per_client.places = 4;
  Guarded guarded(limits);
  guarded.server.apply(defined("b", 2));
  guarded.server.apply(defined("c", 3));
  const std::string set = "/job?id=a&id=b&id=c&wait=50s&until=done";
  Client held = guarded.server.dial();
  held.send(request(set, bearing("ada-1")));
  REQUIRE(guarded.server.wait_parked(1));
  CHECK(status_of(get(guarded.server, set, bearing("ada-1"))) == 429);
  CHECK(status_of(get(guarded.server, "/job?id=a&id=b&wait=50s&until=done", bearing("ada-1"))) ==
        429);
  Client one = guarded.server.dial();
  one.send(request("/job/a?wait=50s&until=done", bearing("ada-1")));
  REQUIRE(guarded.server.wait_parked(2));
  for (const char* const id : {"a", "b", "c"}) {
    guarded.server.apply(happened(id, 4 + (*id - 'a'), EventKind::kCompleted, "agent"));
  }
  CHECK(status_of(held.response()) == 200);
  CHECK(status_of(one.response()) == 200);
  // All four are free again, on the same connection.
  guarded.server.apply(defined("d", 9));
  held.send(request("/job?id=a&id=b&id=c&id=d&wait=50s&until=done", bearing("ada-1")));
  REQUIRE(guarded.server.wait_parked(1));
}

TEST_CASE("admission: without tokens an address is a client") {
  Front::Limits limits;
  limits.per_client.places = 1;
  ServedTable server(limits);
  server.apply(defined("a", 1));
  Client one = server.dial();
  one.send(request("/job/a?wait=50s&until=done"));
  REQUIRE(server.wait_parked(1));
  CHECK(status_of(get(server, "/job/a?wait=50s&until=done")) == 429);
}

TEST_CASE("admission: one client's requests a second end at its limit, after its parameters") {
  Front::Limits limits;
  limits.per_client.per_second = 3;
  Guarded guarded(limits);
  Client client = guarded.server.dial();
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    client.send(request("/job/a", bearing("ada-1")));
    const std::string response = client.response();
    if (status_of(response) != 429) continue;
    ++refused;
    CHECK(has(response, "\r\nRetry-After: 1\r\n"));
  }
  CHECK(refused >= 6);  // A slow machine may win back one or two.
  client.send(request("/job/a?wait=bad", bearing("ada-1")));
  CHECK(status_of(client.response()) == 400);
  client.send(request("/job/a", bearing("bob-1")));
  CHECK(status_of(client.response()) == 200);
  client.send(request("/livez"));
  CHECK(status_of(client.response()) == 200);
}

TEST_CASE("admission: pages of a named origin may read all there is, errors and 304 too") {
  Guarded guarded;
  const std::string from_app = "Origin: " + kApp + "\r\n";
  const std::string read = get(guarded.server, "/job/a", bearing("ada-1") + from_app);
  const std::string known =
      get(guarded.server, "/job/a",
          bearing("ada-1") + from_app + "If-None-Match: " + tag_in(read) + "\r\n");
  CHECK(status_of(known) == 304);
  for (const std::string& response :
       {read, known, get(guarded.server, "/job/a", from_app),
        get(guarded.server, "/job/none", bearing("ada-1") + from_app),
        get(guarded.server, "/nothing", from_app), get(guarded.server, "/livez", from_app),
        get(guarded.server, "/job/a?wait=x", bearing("ada-1") + from_app)}) {
    CAPTURE(response);
    CHECK(has(response, "\r\nAccess-Control-Allow-Origin: https://app.example.com\r\n"));
    CHECK(has(response, "\r\nAccess-Control-Expose-Headers: ETag, "));
    CHECK(has(response, "\r\nVary: Origin\r\n"));
  }
  const std::string other =
      get(guarded.server, "/job/a", bearing("ada-1") + "Origin: https://evil.example\r\n");
  CHECK(status_of(other) == 200);
  CHECK_FALSE(has(other, "Access-Control"));
  CHECK(has(other, "\r\nVary: Origin\r\n"));
}

TEST_CASE("admission: a preflight needs no token, and only a named origin gets one answered") {
  Guarded guarded;
  const std::string asks =
      "Access-Control-Request-Method: GET\r\n"
      "Access-Control-Request-Headers: authorization\r\n";
  const std::string good =
      get(guarded.server, "/job/a", "Origin: " + kApp + "\r\n" + asks, "OPTIONS");
  CHECK(status_of(good) == 204);
  CHECK(has(good, "\r\nAccess-Control-Allow-Methods: GET, HEAD\r\n"));
  CHECK(has(good, "\r\nAccess-Control-Allow-Origin: https://app.example.com\r\n"));
  CHECK(has(good, "Authorization"));
  CHECK(status_of(get(guarded.server, "/job/a", "Origin: https://evil.example\r\n" + asks,
                      "OPTIONS")) == 405);
  CHECK(status_of(get(guarded.server, "/nothing", "Origin: " + kApp + "\r\n" + asks, "OPTIONS")) ==
        404);
}

}  // namespace bide
