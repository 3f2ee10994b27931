#include "client/http_writer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "client/retry.h"
#include "tests/client/scripted_server.h"

using namespace bide;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kStored = "ETag: \"1-2-3\"\r\nBide-Status: processing\r\n";

ApiAccess access_to(const ScriptedServer& server, const std::string& token = "",
                    const std::string& path = "") {
  return {std::get<ServerUrl>(parse_server_url(server.url() + path)), token, ""};
}

std::string problem(int status, std::string_view fields = "", std::string_view slug = "x") {
  return response(status, fields,
                  R"({"type":"urn:bide:problem:)" + std::string(slug) + R"(","detail":"because"})");
}

Report started() {
  Report report = report_of(NewEvent{"build-7", EventKind::kStarted, "web-01", R"({"n":1})"});
  report.when = WallTime(1714557600250ms);
  return report;
}

std::string field_of(const std::string& request, const std::string& name) {
  const std::string begin = "\r\n" + name + ": ";
  const std::size_t at = request.find(begin);
  if (at == std::string::npos) return "";
  return request.substr(at + begin.size(), request.find('\r', at + 2) - at - begin.size());
}

std::string body_of(const std::string& request) {
  const std::size_t at = request.find("\r\n\r\n");
  return at == std::string::npos ? "" : request.substr(at + 4);
}

// What the server's threads have heard.
class Heard {
 public:
  // How many there are now.
  std::size_t add(std::string text) {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
    return texts_.size();
  }
  std::string last() {
    const std::lock_guard lock(mutex_);
    return texts_.back();
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return texts_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

}  // namespace

TEST_CASE("http_writer: an event is posted as JSON, with its key") {
  Heard heard;
  ScriptedServer server([&](const std::string& text) {
    heard.add(text);
    return response(201, kStored, "");
  });
  HttpWriter writer(access_to(server, "secret", "/api"));
  const Report report = started();
  REQUIRE(std::holds_alternative<Stored>(writer.send(report, 10s)));
  CHECK(heard.last().starts_with("POST /api/job/build-7/events HTTP/1.1\r\n"));
  CHECK(field_of(heard.last(), "Content-Type") == "application/json");
  CHECK(field_of(heard.last(), "Idempotency-Key") == report.key);
  CHECK(field_of(heard.last(), "Authorization") == "Bearer secret");
  CHECK(field_of(heard.last(), "Prefer") == "return=minimal");
  CHECK(body_of(heard.last()) ==
        R"({"event":"started","agent":"web-01","timestamp":"2024-05-01T10:00:00.25Z",)"
        R"("data":{"n":1}})");
}

TEST_CASE("http_writer: a definition is put, with what it has") {
  Heard heard;
  ScriptedServer server([&](const std::string& text) {
    heard.add(text);
    return response(201, kStored, "");
  });
  HttpWriter writer(access_to(server));
  NewDefinition definition;
  definition.job_id = "build-7";
  REQUIRE(std::holds_alternative<Stored>(writer.send(report_of(definition), 10s)));
  CHECK(heard.last().starts_with("PUT /job/build-7 HTTP/1.1\r\n"));
  CHECK(body_of(heard.last()) == R"({"operation":{}})");
  CHECK(field_of(heard.last(), "Authorization").empty());

  definition.operation = R"({"do":"build"})";
  definition.subject = "jobs.host.web-01";
  definition.expected_agents = {"a", "b\""};
  definition.labels = R"({"team":"ci"})";
  REQUIRE(std::holds_alternative<Stored>(writer.send(report_of(definition), 10s)));
  CHECK(body_of(heard.last()) ==
        R"({"operation":{"do":"build"},"subject":"jobs.host.web-01","expected_agents":["a","b\""],)"
        R"("labels":{"team":"ci"}})");
}

TEST_CASE("http_writer: a job is deleted, and 204 has no body") {
  Heard heard;
  ScriptedServer server([&](const std::string& text) {
    heard.add(text);
    return bodyless(204, "");
  });
  HttpWriter writer(access_to(server));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(std::holds_alternative<Stored>(writer.remove("build-7", "k-1", 10s)));
  }
  CHECK(heard.last().starts_with("DELETE /job/build-7 HTTP/1.1\r\n"));
  CHECK(field_of(heard.last(), "Idempotency-Key") == "k-1");
  CHECK(server.connections() == 1);
}

TEST_CASE(
    "http_writer: a lost answer, 503, 504, 429 and a proxy's pages: the same key until stored") {
  Heard keys;
  ScriptedServer server([&](const std::string& text) -> std::optional<std::string> {
    switch (keys.add(field_of(text, "Idempotency-Key"))) {
      case 1:
        return std::nullopt;
      case 2:
        return problem(503, "Retry-After: 0\r\n");
      case 3:
        return problem(504);
      case 4:
        return problem(429, "Retry-After: 0\r\n");
      case 5:
        return response(502, "", "<html>bad gateway</html>");
      case 6:
        return response(404, "", "404 page not found\n");
      case 7:
        return response(200, "", "<html>log in first</html>");
      default:
        return response(201, kStored, "");
    }
  });
  HttpWriter writer(access_to(server));
  Retry retry(1, std::chrono::steady_clock::now() + 1min);
  const Report report = started();
  const WriteReply reply =
      retry.run([&](std::chrono::milliseconds patience) { return writer.send(report, patience); });
  CHECK(std::holds_alternative<Stored>(reply));
  CHECK(keys.all() == std::vector<std::string>(8, report.key));
}

TEST_CASE("http_writer: a refusal says what to do about it") {
  std::atomic<int> status{0};
  ScriptedServer server([&](const std::string&) { return problem(status); });
  const auto detail_of = [&](int answer, const std::string& token) {
    status = answer;
    HttpWriter writer(access_to(server, token));
    const WriteReply reply = writer.send(started(), 10s);
    REQUIRE(std::holds_alternative<ServerRefusal>(reply));
    CHECK(std::get<ServerRefusal>(reply).http_status == answer);
    return std::get<ServerRefusal>(reply).detail;
  };
  CHECK(detail_of(401, "") == "the server answered 401: because; BIDE_TOKEN is not set");
  CHECK(detail_of(401, "t").find("valid there") != std::string::npos);
  CHECK(detail_of(403, "t").find("job:write") != std::string::npos);
  CHECK(detail_of(403, "").find("its own machine only") != std::string::npos);
  CHECK(detail_of(405, "").find("--read-only") != std::string::npos);
  for (const int other : {400, 404, 409, 413, 415, 422}) {
    CHECK(detail_of(other, "") == "the server answered " + std::to_string(other) + ": because");
  }
}

TEST_CASE("http_writer: a job that does not exist cannot be deleted") {
  ScriptedServer server([](const std::string&) { return problem(404, "", "job-not-found"); });
  HttpWriter writer(access_to(server));
  const WriteReply reply = writer.remove("x", "k", 10s);
  REQUIRE(std::holds_alternative<ServerRefusal>(reply));
  CHECK(std::get<ServerRefusal>(reply).no_such_job);
}
