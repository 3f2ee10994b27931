#include "client/reply.h"

#include <doctest/doctest.h>

using namespace bide;
using namespace std::chrono_literals;

namespace {

RawReply raw(int http_status) {
  return RawReply{.http_status = http_status,
                  .job_status = "processing",
                  .job_final = "false",
                  .outcome = "timeout",
                  .etag = "\"1-2-3\"",
                  .retry_after = {},
                  .body = {}};
}

}  // namespace

TEST_CASE("reply: 200 and 304 are answers, told apart by their news") {
  const Reply found = interpret(raw(200));
  REQUIRE(std::holds_alternative<Answer>(found));
  CHECK(std::get<Answer>(found).news);
  CHECK(std::get<Answer>(found).status == Status::kProcessing);
  CHECK(std::get<Answer>(found).etag == "\"1-2-3\"");
  const Reply same = interpret(raw(304));
  REQUIRE(std::holds_alternative<Answer>(same));
  CHECK(!std::get<Answer>(same).news);
}

TEST_CASE("reply: a page that is not bide's is refused, not believed") {
  RawReply page = raw(200);
  page.job_status = "";
  CHECK(std::holds_alternative<Denial>(interpret(page)));
  page.job_status = "Processing";
  CHECK(std::holds_alternative<Denial>(interpret(page)));
}

TEST_CASE("reply: what may be better later is trouble, everything else is refused") {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    CHECK(std::holds_alternative<Trouble>(interpret(raw(status))));
  }
  for (const int status : {301, 400, 401, 403, 404, 406, 409, 410, 501, 505}) {
    const Reply reply = interpret(raw(status));
    REQUIRE(std::holds_alternative<Denial>(reply));
    CHECK(std::get<Denial>(reply).http_status == status);
  }
}

TEST_CASE("reply: Retry-After counts in seconds, up to a minute") {
  const auto asked = [](const char* text) {
    RawReply busy = raw(503);
    busy.retry_after = text;
    return std::get<Trouble>(interpret(busy)).retry_after;
  };
  CHECK(asked("7") == 7s);
  CHECK(asked("3600") == 60s);
  CHECK(asked("99999999999999999999") == 60s);
  CHECK(asked("") == 0s);
  CHECK(asked("-1") == 0s);
  CHECK(asked("1.5") == 0s);
  CHECK(asked("Wed, 21 Oct 2026 07:28:00 GMT") == 0s);
}

TEST_CASE("reply: the detail comes from the problem document, in one short line") {
  RawReply bad = raw(400);
  bad.body = R"({"title":"x","detail":"wait is\nmalformed\u001b[2J"})";
  const auto detail = std::get<Denial>(interpret(bad)).detail;
  CHECK(detail == "the server answered 400: wait is malformed [2J");
  bad.body = R"({"detail":")" + std::string(5000, 'x') + "\"}";
  CHECK(std::get<Denial>(interpret(bad)).detail.size() < 400);
  for (const char* body : {"", "<html>", "[]", R"({"detail":7})", R"({"detail":)"}) {
    bad.body = body;
    CHECK(std::get<Denial>(interpret(bad)).detail == "the server answered 400");
  }
}
