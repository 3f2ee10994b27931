#include "core/job/entry_codec.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/core/job/decoding.h"

using namespace bide;
using namespace bide::testing;

TEST_CASE("codec: a definition keeps its operation byte by byte") {
  const Definition definition = definition_of(
      "{ \"id\" : \"j\", \"created\":\"2026-01-31T12:00:00Z\",\"subject\":\"jobs.query._any\","
      "\"operation\" \t:\r\n { \"b\" : [1.50, -0, 1E+2],\n\"a\":\"\\u00e4\\/\" }  , "
      "\"other\":[{}]}");
  CHECK(definition.created == "2026-01-31T12:00:00Z");
  CHECK(definition.subject == "jobs.query._any");
  CHECK(definition.operation == "{ \"b\" : [1.50, -0, 1E+2],\n\"a\":\"\\u00e4\\/\" }");
  CHECK(std::holds_alternative<std::monostate>(definition.expected_agents));
}

TEST_CASE("codec: a definition may leave everything out") {
  for (const std::string_view value :
       {"{}", R"({"id":null,"created":null,"subject":"","operation":null})"}) {
    const Definition definition = definition_of(value);
    CHECK(definition.created.empty());
    CHECK(definition.subject.empty());
    CHECK(definition.operation.empty());
  }
}

TEST_CASE("codec: expected agents are a count or names, sorted and each once") {
  using Names = std::vector<std::string>;
  const auto agents = [](std::string_view json) {
    return definition_of(object_with("expected_agents", json)).expected_agents;
  };
  CHECK(std::get<std::uint32_t>(agents("3")) == 3);
  CHECK(std::get<std::uint32_t>(agents("4294967295")) == UINT32_MAX);
  CHECK(std::get<Names>(agents(R"( [ "b" , "a", "b" ] )")) == Names{"a", "b"});
  for (const std::string_view none : {"0", "-0", "[]", "null"}) {
    CHECK(std::holds_alternative<std::monostate>(agents(none)));
  }
  for (const std::string_view bad :
       {"-1", "1.5", "1e3", "1e999", "-1e999", "0e999999999", "4294967296", "99999999999999999999",
        "true", "\"a\"", "{}", "[1]", "[[\"a\"]]", "[\"a\",null]", "[\"\"]", "[\"a\\u0000\"]",
        "[{\"a\":\"b\"}]"}) {
    CAPTURE(bad);
    CHECK(verdict("jobs.j", object_with("expected_agents", bad)) == "field");
  }
}

TEST_CASE("codec: an event is read with its data") {
  const Event event = event_of(kEventValue);
  CHECK(event.kind == EventKind::kStarted);
  CHECK(event.hostname == "web.01");
  CHECK(event.timestamp == "2026-01-31T12:00:00Z");
  CHECK(event.unix_nano == 1700000000000000002);
  CHECK(event.error == "boom");
  CHECK(event.new_job_id == "build-8");
}

TEST_CASE("codec: where unix_nano is no integer the key's counts") {
  for (const std::string_view number :
       {"\"5\"", "5.0", "5e3", "9223372036854775808", "-9223372036854775809", "1e308", "1e999",
        "-1e999", "0e999999999", "null", "{}", "[5]"}) {
    CAPTURE(number);
    CHECK(event_of(replaced(kEventValue, "1700000000000000002", number)).unix_nano ==
          1700000000000000001);
  }
  CHECK(event_of(replaced(kEventValue, "1700000000000000002", "-0")).unix_nano == 0);
  CHECK(event_of(replaced(kEventValue, "1700000000000000002", "-5")).unix_nano == -5);
  CHECK(event_of(replaced(kEventValue, "1700000000000000002", "9223372036854775807")).unix_nano ==
        INT64_MAX);
}

TEST_CASE("codec: other members of an event are ignored") {
  const std::string data = R"({"error":"boom","new_job_id":"build-8"})";
  for (const std::string_view other :
       {"null", "5", "\"text\"", "[1]", "{}", R"({"error":5,"new_job_id":[]})", R"({"error":null})",
        R"({"x":{"error":"inner"}})"}) {
    CAPTURE(other);
    const Event event = event_of(replaced(kEventValue, data, other));
    CHECK(event.error.empty());
    CHECK(event.new_job_id.empty());
  }
}

TEST_CASE("codec: labels are names with texts, sorted") {
  const Labels labels =
      definition_of(R"({"labels":{"team":"ci","a\/b":"\u00e9\n","none":null,"c.d_e-9":""}})")
          .labels;
  std::vector<std::string> seen;
  labels.for_each([&](std::string_view label) { seen.emplace_back(label); });
  CHECK(seen == std::vector<std::string>{"a/b=é\n", "c.d_e-9=", "team=ci"});
  CHECK(labels.count() == 3);
  CHECK(labels.contains("team=ci"));
  CHECK_FALSE(labels.contains("team=c"));
  CHECK(definition_of("{}").labels.empty());
  CHECK(definition_of(R"({"labels":{}})").labels.empty());
  CHECK(definition_of(R"({"labels":null})").labels == Labels());
}

TEST_CASE("codec: labels outside their limits are rejected for that reason") {
  const auto some = [](std::size_t count) {
    std::string json = "{";
    for (std::size_t i = 0; i < count; ++i) {
      json.append(i == 0 ? "\"" : ",\"").append("n" + std::to_string(i)).append("\":\"v\"");
    }
    return json += '}';
  };
  const auto named = [](const std::string& name) { return "{\"" + name + "\":\"v\"}"; };
  const auto valued = [](const std::string& value) { return "{\"n\":\"" + value + "\"}"; };
  struct Row {
    std::string labels;
    std::string_view verdict;
  };
  const Row rows[] = {
      {some(16), "accepted"},
      {some(17), "labels"},
      {named(std::string(63, 'n')), "accepted"},
      {named(std::string(64, 'n')), "labels"},
      {named(""), "labels"},
      {named("Team"), "labels"},
      {named("a=b"), "labels"},
      {named("a b"), "labels"},
      {named("\\u00e9"), "labels"},
      {valued(std::string(128, 'v')), "accepted"},
      {valued(std::string(129, 'v')), "labels"},
      {valued(repeated("é", 64)), "accepted"},
      {valued(repeated("é", 65)), "labels"},
      {valued("\\u0000"), "labels"},
      {R"({"n":5})", "labels"},
      {R"({"n":["v"]})", "labels"},
      {R"({"n":{"m":"v"}})", "labels"},
      {R"({"n":"v","n":"w"})", "labels"},
      {R"({"n":"v","\u006e":"v"})", "labels"},
      {R"(["n"])", "labels"},
      {R"("n=v")", "labels"},
      {"5", "labels"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.labels);
    CHECK(verdict("jobs.j", object_with("labels", row.labels)) == row.verdict);
  }
}

TEST_CASE("codec: an event's fields are checked") {
  struct Row {
    std::string_view from;
    std::string to;
    std::string_view verdict;
  };
  const Row rows[] = {
      {"\"job_id\":\"build-7\"", "\"job_id\":\"build-8\"", "mismatch"},
      {"\"job_id\":\"build-7\"", "\"job_id\":5", "field"},
      {"\"job_id\":\"build-7\"", "\"job_id\":null", "field"},
      {"\"job_id\":\"build-7\",", "", "field"},
      {"\"started\"", "\"completed\"", "mismatch"},
      {"\"started\"", "\"\"", "field"},
      {"\"web.01\"", "\"\"", "field"},
      {"\"web.01\"", "null", "field"},
      {"\"web.01\"", "[\"web.01\"]", "field"},
      {"\"web.01\"", "\"web\\u000001\"", "field"},
      {"web.01", std::string(kHostnameBytesMax, 'w'), "agent_mismatch"},  // Not "field".
      {"web.01", std::string(kHostnameBytesMax + 1, 'w'), "field"},
      {"boom", "bo\\u0000om", "field"},
      {"build-8", "\\u0000", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31t12:00:00.123456789z", "accepted"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00", "accepted"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5-01:00", "accepted"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00." + std::string(43, '1') + "Z", "accepted"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00." + std::string(44, '1') + "Z", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "accepted"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00.", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31 12:00:00Z", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00.Z", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00Zx", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00+0100", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00x", "field"},
      {"2026-01-31T12:00:00Z", "2026-1-31T12:00:00Z", "field"},
      {"2026-01-31T12:00:00Z", "2026-01-31", "field"},
      {"2026-01-31T12:00:00Z", "", "field"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.from);
    CAPTURE(row.to);
    CHECK(verdict(kEventKey, replaced(kEventValue, row.from, row.to)) == row.verdict);
  }
}

TEST_CASE("codec: a time without a zone is UTC, and says so from then on") {
  const auto timestamp_of = [](std::string_view text) {
    return event_of(replaced(kEventValue, "2026-01-31T12:00:00Z", text)).timestamp;
  };
  CHECK(timestamp_of("2026-01-31T12:00:00") == "2026-01-31T12:00:00Z");
  CHECK(timestamp_of("2026-01-31t12:00:00.123456") == "2026-01-31t12:00:00.123456Z");
  CHECK(timestamp_of("2026-01-31T12:00:00." + std::string(44, '1')).size() == 65);
  for (const std::string_view zoned : {"2026-01-31T12:00:00z", "2026-01-31T12:00:00.5-01:00"}) {
    CHECK(timestamp_of(zoned) == zoned);
  }
  const auto created = [](std::string_view text) {
    return definition_of(object_with("created", "\"" + std::string(text) + "\"")).created;
  };
  CHECK(created("2026-01-31T12:00:00") == "2026-01-31T12:00:00Z");
  CHECK(created("2026-01-31") == "2026-01-31");
  CHECK(created("at noon") == "at noon");
}

namespace {

const std::string kProgressKey = "status.j.progress.web_01";

std::string progress_value(std::string_view data) {
  return R"({"job_id":"j","event":"progress","hostname":"web.01",)"
         R"("timestamp":"2026-01-31T12:00:00Z","unix_nano":5,"data":)" +
         std::string(data) + "}";
}
ProgressReport progress_of(std::string_view data) {
  return decoded<ProgressReport>(kProgressKey, progress_value(data));
}

}  // namespace

TEST_CASE("codec: progress is read, its number as written") {
  const ProgressReport progress =
      progress_of(R"({"percent":40.50,"message":"linking","log":"a\nb","more":[1]})");
  CHECK(progress.hostname == "web.01");
  CHECK(progress.percent == "40.50");
  CHECK(progress.message == "linking");
  CHECK(progress.log == "a\nb");
  for (const std::string_view number : {"0", "100", "1e2", "0.0", "99.99999999", "1E-3"}) {
    CHECK(progress_of(object_with("percent", number)).percent == number);
  }
  for (const std::string_view nothing : {"{}", "null", R"({"percent":null,"message":""})"}) {
    const ProgressReport empty = progress_of(nothing);
    CHECK(empty.percent.empty());
    CHECK(empty.message.empty());
    CHECK(empty.log.empty());
  }
  CHECK(decoded<ProgressReport>(kProgressKey, sealed(progress_value("{}"))).hostname == "web.01");
}

TEST_CASE("codec: progress is checked, all of it") {
  for (const std::string_view number : {"101", "100.0001", "-1", "1e999", "\"40\"", "true", "[40]",
                                        "0.000000000000000000000000000000001"}) {
    CAPTURE(number);
    CHECK(verdict(kProgressKey, progress_value(object_with("percent", number))) == "field");
  }
  for (const std::string_view data :
       {"5", "[]", "\"40\"", R"({"message":5})", R"({"log":[]})", R"({"log":"a\u0000"})"}) {
    CAPTURE(data);
    CHECK(verdict(kProgressKey, progress_value(data)) == "field");
  }
  const std::string value = progress_value("{}");
  CHECK(verdict(kProgressKey, replaced(value, "web.01", "web.02")) == "agent_mismatch");
  CHECK(verdict(kProgressKey, replaced(value, "\"j\"", "\"k\"")) == "mismatch");
  CHECK(verdict(kProgressKey, replaced(value, "\"progress\"", "\"started\"")) == "mismatch");
  CHECK(verdict(kProgressKey, replaced(value, "2026-01-31T12:00:00Z", "noon")) == "field");
  CHECK(verdict(kProgressKey, "{}") == "field");
  CHECK(verdict("status.j.progress._api", replaced(value, "web.01", "_api")) == "field");
  CHECK(verdict(kEventKey, replaced(kEventValue, "started", "progress")) == "mismatch");
}

TEST_CASE("codec: a response is read, its data byte by byte") {
  const Response response = response_of(
      R"({"job_id":"j","status":"ok","hostname":"web.01","data": [ 1, {"a" : null} ],"error":"e","changed":false})");
  CHECK(response.hostname == "web.01");
  CHECK(response.status == "ok");
  CHECK(response.data == R"([ 1, {"a" : null} ])");
  CHECK(response.error == "e");
  CHECK(response.changed == false);
}

TEST_CASE("codec: a response's data may be any JSON value") {
  for (const std::string_view data :
       {"5", "-0", "-0.0", "1e-400", "0.1e+5", "true", "false", "\"\"", "\"a\\\"b\"", "{}", "[]",
        "[[ ]]", "18446744073709551616", "1e999", "\"\\ud800\""}) {
    CAPTURE(data);
    CHECK(response_of(object_with("data", data)).data == data);
    CHECK(response_of(object_with("data", " \t" + std::string(data) + "\n")).data == data);
  }
  CHECK(response_of(R"({"data":null})").data.empty());
}

TEST_CASE("codec: an event or a response of another agent than its key's is refused") {
  const auto event = [](std::string_view agent, std::string_view hostname) {
    return verdict("status.j.completed." + std::string(agent) + ".5",
                   R"({"job_id":"j","event":"completed","timestamp":"2026-01-31T12:00:00Z",)"
                   R"("hostname":")" +
                       std::string(hostname) + "\"}");
  };
  const auto response = [](std::string_view agent, std::string_view hostname) {
    return verdict("responses.j." + std::string(agent) + ".5",
                   R"({"hostname":")" + std::string(hostname) + "\"}");
  };
  struct Case {
    const char* agent;
    const char* hostname;
    bool same;
  };
  for (const Case& one : {Case{"w1", "w1", true},
                          {"web_01_lan", "web.01.lan", true},
                          {"_api", "_api", true},
                          {"a-b_c", "a-b_c", true},
                          {"a_b", "a b", true},
                          {"caf_", "caf\xC3\xA9", true},
                          {"caf__", "caf\xC3\xA9", true},
                          {"w1", "w2", false},
                          {"w1", "w1.", false},
                          {"w1", "W1", false},
                          {"_api", "w1", false},
                          {"w1", "_api", false},
                          {"w1", "w_1", false},
                          {"a/b", "a/b", false},
                          {"a_b", "a/b", true}}) {
    CAPTURE(one.agent);
    CAPTURE(one.hostname);
    CHECK(event(one.agent, one.hostname) == (one.same ? "accepted" : "agent_mismatch"));
    CHECK(response(one.agent, one.hostname) == (one.same ? "accepted" : "agent_mismatch"));
  }
}

TEST_CASE("codec: a response without a hostname is the key's agent's") {
  for (const std::string_view value : {"{}", R"({"hostname":null})", R"({"hostname":""})"}) {
    const Response response = response_of(value);
    CHECK(response.hostname == "web_01");
    CHECK(response.status.empty());
    CHECK_FALSE(response.changed);
  }
  const std::string_view key = "responses.j.web_01.5";
  CHECK(verdict(key, R"({"job_id":"k"})") == "mismatch");
  for (const std::string_view value :
       {R"({"job_id":5})", R"({"hostname":5})", R"({"status":5})", R"({"error":{}})",
        R"({"changed":"yes"})", R"({"changed":1})", R"({"changed":1e999})",
        R"({"status":"a\u0000"})", R"({"error":"\u0000"})"}) {
    CAPTURE(value);
    CHECK(verdict(key, value) == "field");
  }
}

TEST_CASE("codec: the log says what was expected, never the value") {
  const auto result =
      decode_value(kEventKey, replaced(kEventValue, "\"web.01\"", "{\"s3cret\":1}"));
  const auto& rejection = std::get<Rejection>(result);
  CHECK(rejection.detail == "hostname: expected a string without NUL");
}

TEST_CASE("codec: every reason has its word") {
  CHECK(word_of(RejectReason::kKey) == "key");
  CHECK(word_of(RejectReason::kTableFull) == "table_full");
  CHECK(static_cast<std::size_t>(RejectReason::kTableFull) + 1 == kRejectReasons);
}
