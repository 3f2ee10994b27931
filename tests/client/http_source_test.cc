#include "client/http_source.h"

#include <doctest/doctest.h>

#include <future>
#include <vector>

#include "tests/client/scripted_server.h"

using namespace bide;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kHead =
    "ETag: \"1-2-3\"\r\nBide-Status: processing\r\nBide-Final: false\r\nBide-Outcome: timeout\r\n";

ServerUrl url_of(const ScriptedServer& server, const std::string& path = "") {
  return std::get<ServerUrl>(parse_server_url(server.url() + path));
}

Question held() { return {.until = "done", .wait = 1500ms, .etag = "\"0-1-2\"", .patience = 20s}; }

}  // namespace

TEST_CASE("http_source: the question is in the request line and its fields") {
  std::string head;
  ScriptedServer server([&](const std::string& request) {
    head = request;
    return response(200, kHead, "{}");
  });
  HttpSource source(url_of(server, "/api"), "build-7", "to%0d%0aken", Wanted::kRepresentation);
  const Reply reply = source.ask(held());
  REQUIRE(std::holds_alternative<Answer>(reply));
  CHECK(std::get<Answer>(reply).body == "{}");
  CHECK(std::get<Answer>(reply).etag == "\"1-2-3\"");
  CHECK(head.starts_with("GET /api/job/build-7?until=done&wait=1500ms HTTP/1.1\r\n"));
  CHECK(head.find("\r\nIf-None-Match: \"0-1-2\"\r\n") != std::string::npos);
  CHECK(head.find("\r\nAuthorization: Bearer to%0d%0aken\r\n") != std::string::npos);
  CHECK(head.find("\r\nAccept: application/json\r\n") != std::string::npos);
}

TEST_CASE(
    "http_source: a plain question has no query, no validator, and no token if there is none") {
  std::string head;
  ScriptedServer server([&](const std::string& request) {
    head = request;
    return response(200, kHead, "processing\n");
  });
  HttpSource source(url_of(server), "build-7", "", Wanted::kStatusWord);
  REQUIRE(std::holds_alternative<Answer>(source.ask(Question{})));
  CHECK(head.starts_with("GET /job/build-7 HTTP/1.1\r\n"));
  CHECK(head.find("If-None-Match") == std::string::npos);
  CHECK(head.find("Authorization") == std::string::npos);
  CHECK(head.find("\r\nAccept: text/plain\r\n") != std::string::npos);
}

TEST_CASE(
    "http_source: a 304 without Content-Length is an answer at once, and the next works too") {
  ScriptedServer server([](const std::string&) { return bodyless(304, kHead); });
  HttpSource source(url_of(server), "build-7", "", Wanted::kRepresentation);
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const Reply reply = source.ask(held());
    REQUIRE(std::holds_alternative<Answer>(reply));
    CHECK(!std::get<Answer>(reply).news);
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
  }
}

TEST_CASE("http_source: requests follow each other on one connection") {
  ScriptedServer server([](const std::string&) { return response(200, kHead, "{}"); });
  HttpSource source(url_of(server), "build-7", "", Wanted::kRepresentation);
  for (int i = 0; i < 3; ++i) REQUIRE(std::holds_alternative<Answer>(source.ask(held())));
  CHECK(server.connections() == 1);
}

TEST_CASE("http_source: no server, a server that hangs up, half an answer: trouble") {
  std::optional<ServerUrl> nobody;
  {
    ScriptedServer gone([](const std::string&) { return std::nullopt; });
    nobody = url_of(gone);
  }
  HttpSource refused(*nobody, "x", "", Wanted::kRepresentation);
  const Reply reply = refused.ask(held());
  REQUIRE(std::holds_alternative<Trouble>(reply));
  CHECK(std::get<Trouble>(reply).what.starts_with("cannot connect to http://127.0.0.1:"));

  ScriptedServer silent([](const std::string&) { return std::nullopt; });
  HttpSource hung_up(url_of(silent), "x", "", Wanted::kRepresentation);
  CHECK(std::holds_alternative<Trouble>(hung_up.ask(held())));

  int calls = 0;
  ScriptedServer half([&](const std::string&) -> std::optional<std::string> {
    if (++calls > 1) return std::nullopt;
    return "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" + std::string(kHead) + "\r\n{";
  });
  HttpSource cut(url_of(half), "x", "", Wanted::kRepresentation);
  CHECK(std::holds_alternative<Trouble>(
      cut.ask({.until = "", .wait = 0ms, .etag = "", .patience = 300ms})));
}

TEST_CASE("http_source: no answer within the patience: trouble") {
  std::promise<void> end;
  ScriptedServer server([&](const std::string&) {
    end.get_future().wait_for(20s);
    return std::nullopt;
  });
  HttpSource source(url_of(server), "x", "", Wanted::kRepresentation);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(std::holds_alternative<Trouble>(
      source.ask({.until = "", .wait = 0ms, .etag = "", .patience = 200ms})));
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  end.set_value();
}

TEST_CASE("http_source: a redirect is not followed, the token is for this server only") {
  int calls = 0;
  ScriptedServer server([&](const std::string&) {
    ++calls;
    return response(302, "Location: http://127.0.0.1:1/\r\n", "");
  });
  HttpSource source(url_of(server), "x", "secret", Wanted::kRepresentation);
  const Reply reply = source.ask(held());
  REQUIRE(std::holds_alternative<Trouble>(reply));
  CHECK(std::get<Trouble>(reply).what.starts_with("the server answered 302"));
  CHECK(calls == 1);
}

TEST_CASE("http_source: cancelling ends a request that is being held") {
  std::promise<void> arrived, end;
  ScriptedServer server([&](const std::string&) {
    arrived.set_value();
    end.get_future().wait_for(20s);
    return std::nullopt;
  });
  HttpSource source(url_of(server), "x", "", Wanted::kRepresentation);
  auto reply = std::async(std::launch::async, [&] { return source.ask(held()); });
  REQUIRE(arrived.get_future().wait_for(10s) == std::future_status::ready);
  source.cancel();
  REQUIRE(reply.wait_for(10s) == std::future_status::ready);
  CHECK(std::holds_alternative<Trouble>(reply.get()));
  end.set_value();
}
