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

TEST_CASE("reply: an answer that is not bide's says nothing about the job") {
  RawReply page = raw(200);
  page.job_status = "";
  CHECK(std::holds_alternative<Trouble>(interpret(page)));
  page.job_status = "Processing";
  CHECK(std::holds_alternative<Trouble>(interpret(page)));
  for (const int status : {301, 302, 400, 404, 405, 410, 418, 501, 505}) {
    for (const char* body :
         {"", "404 page not found\n", "<html>", R"({"error":"no such job","code":404})",
          R"({"type":"about:blank","title":"Not Found","status":404,"detail":"x"})",
          R"({"type":7})", R"({"code":"NOT_FOUND"})"}) {
      RawReply foreign = raw(status);
      foreign.body = body;
      const Reply reply = interpret(foreign);
      REQUIRE(std::holds_alternative<Trouble>(reply));
      CHECK(std::get<Trouble>(reply).what.starts_with("the server answered " +
                                                      std::to_string(status)));
    }
  }
}

TEST_CASE("reply: a proxy may ask for a token") {
  for (const int status : {401, 403}) {
    const Reply reply = interpret(raw(status));
    REQUIRE(std::holds_alternative<ServerRefusal>(reply));
    CHECK(std::get<ServerRefusal>(reply).http_status == status);
  }
}

TEST_CASE("reply: only bide's 404 for the job says that there is none") {
  const auto denied = [](const char* type) {
    RawReply absent = raw(404);
    absent.body = std::string(R"({"type":"urn:bide:problem:)") + type + R"(","detail":"no"})";
    return std::get<ServerRefusal>(interpret(absent)).no_such_job;
  };
  CHECK(denied("job-not-found"));
  CHECK_FALSE(denied("not-found"));
  CHECK_FALSE(denied("job-not-found-"));
}

TEST_CASE("reply: failures that may pass are trouble, all others are refusals") {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    CHECK(std::holds_alternative<Trouble>(interpret(raw(status))));
  }
  for (const int status : {301, 400, 401, 403, 404, 406, 409, 410, 501, 505}) {
    RawReply problem = raw(status);
    problem.body = R"({"type":"urn:bide:problem:x"})";
    const Reply reply = interpret(problem);
    REQUIRE(std::holds_alternative<ServerRefusal>(reply));
    CHECK(std::get<ServerRefusal>(reply).http_status == status);
  }
}

TEST_CASE("reply: only bide's own answers say that a write is stored") {
  for (const int status : {200, 201, 204}) {
    CHECK(std::holds_alternative<Stored>(interpret_write(raw(status))));
  }
  for (const int status : {200, 201}) {
    RawReply page = raw(status);
    page.job_status = "";
    CHECK(std::holds_alternative<Trouble>(interpret_write(page)));
  }
  for (const int status : {202, 206, 301, 304}) {
    CHECK(std::holds_alternative<Trouble>(interpret_write(raw(status))));
  }
}

TEST_CASE("reply: a write that may succeed later is trouble, one that never will is refused") {
  const auto answer = [](int status, const char* body) {
    RawReply problem = raw(status);
    problem.body = body;
    problem.retry_after = "2";
    return interpret_write(problem);
  };
  constexpr const char* kOurs = R"({"type":"urn:bide:problem:x","detail":"no"})";
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    for (const char* body : {kOurs, "<html>"}) {
      const WriteReply reply = answer(status, body);
      REQUIRE(std::holds_alternative<Trouble>(reply));
      CHECK(std::get<Trouble>(reply).retry_after == 2s);
    }
  }
  for (const int status : {400, 401, 403, 404, 405, 409, 412, 413, 415, 421, 422}) {
    const WriteReply reply = answer(status, kOurs);
    REQUIRE(std::holds_alternative<ServerRefusal>(reply));
    CHECK(std::get<ServerRefusal>(reply).http_status == status);
    const bool by_proxy = status == 401 || status == 403;
    CHECK(std::holds_alternative<ServerRefusal>(answer(status, "<html>")) == by_proxy);
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
  const auto detail_of = [](const std::string& detail) {
    RawReply bad = raw(400);
    bad.body = R"({"type":"urn:bide:problem:x","title":"x","detail":)" + detail + "}";
    return std::get<ServerRefusal>(interpret(bad)).detail;
  };
  CHECK(detail_of(R"("wait is\nmalformed\u001b[2J\u009b\u202e")") ==
        "the server answered 400: wait is malformed [2J  ");
  CHECK(detail_of("\"" + std::string(5000, 'x') + "\"").size() < 400);
  CHECK(detail_of("7") == "the server answered 400");
}
