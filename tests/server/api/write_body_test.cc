#include "server/api/write_body.h"

#include <doctest/doctest.h>

#include <string>

#include "core/job/entry_codec.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr const char* kForm = "application/x-www-form-urlencoded";
constexpr const char* kJson = "application/json";
constexpr WallTime kNow{1'714'557'600'250'000'000ns};

http::Request body(const std::string& text, const char* type = kForm) {
  http::Request request;
  request.body = text;
  if (type != nullptr) request.headers.emplace("Content-Type", type);
  return request;
}

// `KEY VALUE`, or `STATUS DETAIL`.
std::string shown(const std::variant<NewEntry, BadQuery>& parsed) {
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return std::to_string(bad->status) + " " + bad->detail;
  }
  const auto& entry = std::get<NewEntry>(parsed);
  return entry.key + " " + entry.value;
}
std::string event(const std::string& text, const char* type = kForm) {
  return shown(parse_event(body(text, type), "j", kNow));
}
// What of the value comes behind the time.
std::string data_of(const std::string& shown) {
  const std::size_t at = shown.find("\"data\":");
  return at == std::string::npos ? "" : shown.substr(at + 7, shown.size() - at - 8);
}
std::string definition(const std::string& text, const char* type = kJson) {
  return shown(parse_definition(body(text, type), "j", kNow));
}
int status(const std::string& shown) {
  return shown.starts_with("status.") || shown.starts_with("jobs.") ? 0 : std::stoi(shown);
}

}  // namespace

TEST_CASE("write body: the forms of an event that curl -d sends") {
  constexpr const char* kStarted =
      "status.j.started.worker.1714557600250000000 "
      R"({"job_id":"j","event":"started","hostname":"worker",)"
      R"("timestamp":"2024-05-01T10:00:00.25Z","unix_nano":1714557600250000000})";
  for (const char* const text : {"started", "event=started", "started\n", "event=started\r\n",
                                 "&event=started&", "%73tarted"}) {
    CAPTURE(text);
    CHECK(event(text) == kStarted);
  }
  CHECK(event("started", nullptr) == kStarted);
  CHECK(event("started", "application/x-www-form-urlencoded; charset=UTF-8") == kStarted);
  CHECK(event("started&agent=web-01").starts_with("status.j.started.web-01.1714557600250000000 "));
  CHECK(event("event=started&agent=web.01").starts_with("status.j.started.web_01."));
  CHECK(event("submitted").starts_with("status.j.submitted._api."));
  CHECK(event("started&timestamp=2024-05-01T12:00:00%2B02:00")
            .starts_with("status.j.started.worker.1714557600000000000 "));
}

TEST_CASE("write body: exit, error, message and data") {
  CHECK(event("exit=0").starts_with("status.j.completed.worker."));
  CHECK(data_of(event("exit=0")) == "");
  CHECK(event("exit=3").starts_with("status.j.failed.worker."));
  CHECK(data_of(event("exit=3")) == R"({"error":"exit status 3"})");
  CHECK(data_of(event("exit=3&error=no+space")) == R"({"error":"no space"})");
  CHECK(data_of(event("event=failed&error=no%20space")) == R"({"error":"no space"})");
  CHECK(data_of(event("failed&error=a%22b%0A&message=m")) == R"({"error":"a\"b\n","message":"m"})");
  CHECK(data_of(event("failed&error=%FF")) == "{\"error\":\"\xEF\xBF\xBD\"}");
  CHECK(data_of(event(R"(completed&data={"a":1})")) == R"({"a":1})");
}

TEST_CASE("write body: progress has no time in its key") {
  CHECK(event("progress=40&message=linking").starts_with("status.j.progress.worker {"));
  CHECK(data_of(event("progress=40&message=linking")) == R"({"percent":40,"message":"linking"})");
  CHECK(data_of(event("progress=33.25")) == R"({"percent":33.25})");
  CHECK(event(R"({"event":"progress","agent":"a","data":{"percent":100}})", kJson)
            .starts_with("status.j.progress.a {"));
  CHECK(status(event(R"({"event":"progress","data":{"percent":101}})", kJson)) == 400);
}

TEST_CASE("write body: events as JSON") {
  CHECK(event(R"({"event":"failed","agent":"a","data":{"error":"x"}})", kJson)
            .starts_with("status.j.failed.a.1714557600250000000 "));
  CHECK(data_of(event(R"( {"event":"failed","data":{"error":1e999}} )", kJson)) ==
        R"({"error":1e999})");
  // curl calls this a form.
  CHECK(event(R"({"event":"started"})").starts_with("status.j.started.worker."));
  CHECK(event(R"({"event":"started","agent":null,"data":null})", kJson)
            .starts_with("status.j.started.worker."));
}

TEST_CASE("write body: what cannot be an event, and why") {
  struct Row {
    int status;
    const char* text;
    const char* type = kForm;
  };
  for (const Row& row : {Row{400, ""},
                         {400, " \n", kJson},
                         {422, "begun"},
                         {422, "STARTED"},
                         {422, R"({"event":"begun"})", kJson},
                         {400, R"({})", kJson},
                         {400, "agent=a"},
                         {400, "event="},
                         {400, "started&event=failed"},
                         {400, "started&exit=0"},
                         {400, "event=started&exit=0"},
                         {400, "exit=0&progress=1"},
                         {400, "exit="},
                         {400, "exit=x"},
                         {400, "exit=1x"},
                         {400, "exit=99999999999"},
                         {400, "progress=101"},
                         {400, "progress=-1"},
                         {400, "progress=nan"},
                         {400, "progress="},
                         {400, "started&agent=a&agent=b"},
                         {400, "started&colour=red"},
                         {400, "started&timestamp=yesterday"},
                         {400, "started&timestamp=2024-05-01T10:00:00"},
                         {400, "failed&data={}&error=x"},
                         {400, "failed&data=x"},
                         {400, R"(failed&data={"a":1}})"},
                         {400, "started&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a"},
                         {400, "started&agent="},
                         {415, "started", "text/plain"},
                         {415, "started", "multipart/form-data; boundary=x"},
                         {415, R"({"event":"started"})", "application/xml"},
                         {400, R"({"event":1})", kJson},
                         {400, R"({"event":"started","events":1})", kJson},
                         {400, R"({"event":"started","event":"failed"})", kJson},
                         {400, R"({"event":"started","data":1})", kJson},
                         {400, R"({"event":"started"} x)", kJson},
                         {400, R"(["started"])", kJson},
                         {400, "{\"event\":\"\xFF\"}", kJson},
                         {400, "started", kJson}}) {
    CAPTURE(row.text);
    CHECK(status(event(row.text, row.type)) == row.status);
  }
  CHECK(status(event("failed&error=" + std::string(kValueBytesMax, 'x'))) == 413);
  CHECK(status(event("started&agent=" + std::string(kHostnameBytesMax + 1, 'x'))) == 400);
  std::string deep = R"({"event":"failed","data":{"a":)";
  deep += std::string(1000, '[') + std::string(1000, ']') + "}}";
  CHECK(status(event(deep, kJson)) == 400);
}

TEST_CASE("write body: definitions") {
  constexpr const char* kBegin = R"(jobs.j {"id":"j","created":"2024-05-01T10:00:00.25Z",)";
  CHECK(definition("") == std::string(kBegin) + R"("operation":{}})");
  CHECK(definition("{}") == std::string(kBegin) + R"("operation":{}})");
  CHECK(definition(R"({"operation":{"b" : 1}})", kForm) ==
        std::string(kBegin) + R"("operation":{"b" : 1}})");
  CHECK(definition(R"({"subject":"jobs.x_all","expected_agents":["b","a"]})") ==
        std::string(kBegin) +
            R"("subject":"jobs.x_all","operation":{},"expected_agents":["b","a"]})");
  CHECK(status(definition(R"({"expected_agents":3})")) == 0);
  for (const char* const wrong :
       {"started", "[]", R"({"operation":1})", R"({"expected_agents":"a"})", R"({"subject":1})",
        R"({"operations":{}})", R"({"id":"k"})"}) {
    CAPTURE(wrong);
    CHECK(status(definition(wrong)) == 400);
  }
  CHECK(status(definition("{}", "text/plain")) == 415);
}

}  // namespace bide
