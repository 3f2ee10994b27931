#include "core/job/snapshot.h"

#include <doctest/doctest.h>

#include <ostream>

#include "tests/core/job/entries.h"

using namespace bide;
using namespace bide::testing;

namespace {

std::string json_of(const std::vector<Entry>& entries) {
  Job job("build-7");
  absorb_all(job, entries);
  return render_json(job, job.final());
}

// `entry`, which must be an event, with another time.
Entry at_nano(Entry entry, std::int64_t unix_nano) {
  std::get<Event>(entry.what).unix_nano = unix_nano;
  return entry;
}

const Entry kDefined = defined("build-7", 1);

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("snapshot: a bare job leaves out absent members") {
  CHECK(json_of({kDefined}) ==
        R"({"id":"build-7","status":"submitted","final":false,"revision":1})");
}

TEST_CASE("snapshot: every member stands in its place") {
  Definition definition;
  definition.created = "2026-01-31T12:00:00Z";
  definition.subject = "jobs._all";
  definition.operation = "{ \"type\" : \"x\" }";
  definition.expected_agents = 1U;
  definition.labels =
      Labels(std::map<std::string, std::string>{{"team", "ci"}, {"a/b", "say \"x\"=é"}});
  Response response;
  response.status = "ok";
  response.data = "[ 1, 2 ]";
  response.changed = true;
  response.error = "none";
  Entry retried = happened("build-7", 6, EventKind::kRetried, "_api");
  std::get<Event>(retried.what).new_job_id = "build-8";

  CHECK(
      json_of({defined("build-7", 1, definition),
               happened("build-7", 2, EventKind::kSubmitted, "_api"),
               happened("build-7", 3, EventKind::kStarted, "web-1"),
               at_nano(happened("build-7", 4, EventKind::kFailed, "web-1", "boom"), 4'500'000'000),
               responded("build-7", 5, "web-1", response), retried}) ==
      R"({"id":"build-7","status":"failed","final":true,"created":"2026-01-31T12:00:00Z",)"
      R"("labels":{"a/b":"say \"x\"=é","team":"ci"},)"
      R"("updated_at":"T6","hostname":"web-1","error":"boom","changed":true,)"
      R"("operation":{ "type" : "x" },"result":[ 1, 2 ],)"
      R"("responses":{"web-1":{"status":"ok","data":[ 1, 2 ],"changed":true,"error":"none",)"
      R"("hostname":"web-1"}},)"
      R"("agent_states":{"web-1":{"status":"failed","error":"boom","duration":"1.5s"}},)"
      R"("timeline":[)"
      R"({"timestamp":"T2","event":"submitted","hostname":"_api","message":"submitted"},)"
      R"({"timestamp":"T3","event":"started","hostname":"web-1","message":"started on web-1"},)"
      R"({"timestamp":"T4","event":"failed","hostname":"web-1","message":"failed on web-1",)"
      R"("error":"boom"},)"
      R"({"timestamp":"T6","event":"retried","hostname":"_api",)"
      R"("message":"retried as build-8"}],"revision":6})");
}

TEST_CASE("snapshot: each event has its message") {
  const std::string json = json_of({kDefined, happened("build-7", 2, EventKind::kAcknowledged, "w"),
                                    happened("build-7", 3, EventKind::kCompleted, "w"),
                                    happened("build-7", 4, EventKind::kSkipped, "w"),
                                    happened("build-7", 5, EventKind::kRetried, "w")});
  for (const std::string_view message :
       {"acknowledged by w", "completed on w", "skipped on w", "retried"}) {
    CHECK(contains(json, "\"message\":\"" + std::string(message) + "\"}"));
  }
}

TEST_CASE("snapshot: the timeline goes by time, then by revision") {
  const auto event = [](Revision revision, std::string_view agent, std::int64_t unix_nano) {
    return at_nano(happened("build-7", revision, EventKind::kStarted, agent), unix_nano);
  };
  const std::string json = json_of(
      {kDefined, event(2, "c", 30), event(3, "a", 10), event(4, "d", 30), event(5, "b", -20)});
  const std::string_view order[] = {"started on b", "started on a", "started on c", "started on d"};
  std::size_t at = 0;
  for (const std::string_view message : order) {
    at = json.find(message, at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(contains(json, "\"updated_at\":\"T4\""));  // The latest in time, not in revision.
}

TEST_CASE("snapshot: hostname and error are of the latest terminal event by revision") {
  const Entry broadcast = [] {
    Definition definition;
    definition.subject = "jobs._all";
    return defined("build-7", 1, definition);
  }();
  const auto failed = at_nano(happened("build-7", 2, EventKind::kFailed, "a", "boom"), 99);
  const auto completed = at_nano(happened("build-7", 3, EventKind::kCompleted, "b"), 98);
  CHECK(contains(json_of({broadcast, failed}), R"("hostname":"a","error":"boom","agent_states")"));
  CHECK(contains(json_of({broadcast, failed, completed}), R"("hostname":"b","agent_states")"));
  // Events after the end count, the submitter does not.
  CHECK(contains(json_of({kDefined, failed, completed,
                          happened("build-7", 4, EventKind::kFailed, "_api", "x")}),
                 R"("hostname":"b","agent_states")"));
  CHECK(contains(json_of({broadcast, happened("build-7", 2, EventKind::kFailed, "_api", "x")}),
                 R"("updated_at":"T2","timeline")"));
}

TEST_CASE("snapshot: result and changed depend on how many agents responded") {
  const auto response = [](Revision revision, std::string_view agent, std::string_view data,
                           std::optional<bool> changed) {
    Response what;
    what.data = data;
    what.changed = changed;
    return responded("build-7", revision, agent, what);
  };
  const std::string one = json_of({kDefined, response(2, "b", "1", false)});
  CHECK(contains(one, R"("changed":false,"result":1,"responses":{"b":{"data":1,"changed":false,)"));

  // The later response of the same agent counts.
  const std::string later =
      json_of({kDefined, response(2, "b", "1", true), response(3, "b", "2", std::nullopt)});
  CHECK(contains(later, R"("final":false,"result":2,"responses":{"b":{"data":2,"hostname":"b"}})"));

  // With several responses: no result, sorted by name, and changed if any has changed.
  const std::string two =
      json_of({kDefined, response(2, "b", "1", true), response(3, "a", "2", false)});
  CHECK(contains(two, R"("changed":true,"responses":{"a":{"data":2,)"));
  const std::string none =
      json_of({kDefined, response(2, "b", "", std::nullopt), response(3, "a", "", false)});
  CHECK(contains(none, R"("changed":false,"responses":{"a":{"changed":false,)"));
  CHECK(contains(json_of({kDefined, response(2, "b", "", std::nullopt)}),
                 R"("final":false,"responses":{"b":{"hostname":"b"}},"revision":2})"));
}

TEST_CASE("snapshot: duration is from the first start to the last end, where there are both") {
  struct Row {
    std::vector<Entry> events;
    std::string_view state;
  };
  const Entry definition = [] {
    Definition broadcast;
    broadcast.subject = "jobs._all";
    return defined("build-7", 1, broadcast);
  }();
  const auto event = [](Revision revision, EventKind kind, std::int64_t nano) {
    return at_nano(happened("build-7", revision, kind, "w"), nano);
  };
  const EventKind started = EventKind::kStarted, failed = EventKind::kFailed;
  const Row rows[] = {
      {{event(2, started, 5)}, R"({"status":"started"})"},
      {{event(2, failed, 5)}, R"({"status":"failed"})"},
      {{event(2, failed, INT64_MAX)}, R"({"status":"failed"})"},
      {{event(2, started, INT64_MIN)}, R"({"status":"started"})"},
      {{event(2, started, 5), event(3, failed, 5)}, R"({"status":"failed","duration":"0s"})"},
      {{event(2, started, 6), event(3, failed, 5)}, R"({"status":"failed"})"},
      {{event(2, failed, 8), event(3, started, 5), event(4, failed, 7), event(5, started, 6)},
       R"({"status":"failed","duration":"3ns"})"},
      {{event(2, started, INT64_MIN), event(3, failed, INT64_MAX)},
       R"({"status":"failed","duration":"2562047h47m16.854775807s"})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.state);
    std::vector<Entry> entries = row.events;
    entries.insert(entries.begin(), definition);
    CHECK(contains(json_of(entries), "\"agent_states\":{\"w\":" + std::string(row.state) + "}"));
  }
}

TEST_CASE("snapshot: agents are sorted by name, and only agents that reported are listed") {
  Definition broadcast;
  broadcast.subject = "jobs._all";
  const std::string json =
      json_of({defined("build-7", 1, broadcast), happened("build-7", 2, EventKind::kStarted, "b"),
               happened("build-7", 3, EventKind::kStarted, "B"),
               happened("build-7", 4, EventKind::kStarted, "a"),
               happened("build-7", 5, EventKind::kSubmitted, "c"),
               happened("build-7", 6, EventKind::kStarted, "_api")});
  CHECK(contains(json, R"("agent_states":{"B":{"status":"started"},"a":{"status":"started"},)"
                       R"("b":{"status":"started"}},)"));
}

TEST_CASE("snapshot: the newest progress of each agent stands in its state") {
  Entry logged = progressed("build-7", 5, "b", "40.0", "linking");
  std::get<ProgressReport>(logged.what).log = "ld\n";
  const std::string json = json_of(
      {defined("build-7", 1, about("x._all")), happened("build-7", 2, EventKind::kStarted, "b"),
       progressed("build-7", 3, "b", "10"), logged, progressed("build-7", 6, "a", ""),
       happened("build-7", 7, EventKind::kFailed, "c", "boom"),
       progressed("build-7", 8, "d", "", "only words")});
  CHECK(contains(json, R"("agent_states":{"a":{"progress":{}},)"
                       R"("b":{"status":"started","progress":{"percent":40.0,"message":"linking",)"
                       R"("log":"ld\n"}},"c":{"status":"failed","error":"boom"},)"
                       R"("d":{"progress":{"message":"only words"}}},"timeline":[)"));
  CHECK_FALSE(contains(json, R"("event":"progress")"));
  CHECK(contains(json, R"("updated_at":"T7")"));
  CHECK(contains(json, R"("revision":8})"));
}

TEST_CASE("snapshot: a job for one agent has one progress, whatever host reports it") {
  const Entry first = progressed("build-7", 2, "c1", "10");
  const Entry second = progressed("build-7", 3, "c2", "20");
  CHECK(contains(json_of({kDefined, first, second}),
                 R"("agent_states":{"c2":{"progress":{"percent":20}}},"revision")"));
  CHECK(contains(
      json_of({kDefined, first, second, happened("build-7", 4, EventKind::kStarted, "c3")}),
      R"("agent_states":{"c3":{"status":"started","progress":{"percent":20}}},)"));
}

TEST_CASE("snapshot: strings are escaped, names too") {
  const std::string_view hostile = "\"\\/\b\f\n\r\t\x01\x1f\x7f\xC3\xA4</script>";
  const std::string_view escaped = R"("\"\\/\b\f\n\r\t\u0001\u001f)"
                                   "\x7f\xC3\xA4</script>\"";
  const std::string json =
      json_of({kDefined, happened("build-7", 2, EventKind::kFailed, hostile, hostile)});
  CHECK(contains(json, "\"agent_states\":{" + std::string(escaped) +
                           R"(:{"status":"failed","error":)" + std::string(escaped) + "}}"));
}

TEST_CASE("snapshot: the text is the status word, and its tag moves only with it") {
  Job job("build-7");
  absorb_all(job, {kDefined, happened("build-7", 2, EventKind::kAcknowledged, "w")});
  const auto acknowledged = make_snapshot(job, 0xabc);
  CHECK(acknowledged->text.bytes == "processing\n");
  absorb_all(job, {happened("build-7", 3, EventKind::kStarted, "w")});
  const auto started = make_snapshot(job, 0xabc);
  CHECK(started->text.etag() == acknowledged->text.etag());
  CHECK(started->json.etag() != acknowledged->json.etag());
  absorb_all(job, {happened("build-7", 4, EventKind::kCompleted, "w")});
  CHECK(make_snapshot(job, 0xabc)->text.bytes == "completed\n");
  CHECK(make_snapshot(job, 0xabc)->text.tag.revision == 4);
}

TEST_CASE("snapshot: there is a form on one line where the worker's JSON has several") {
  Job job("build-7");
  absorb_all(job, {kDefined});
  CHECK(make_snapshot(job, 1)->json_line.empty());
  Response response;
  response.data = "{\r\n \"a\":\n1}";
  absorb_all(job, {responded("build-7", 2, "w", response)});
  const auto snapshot = make_snapshot(job, 1);
  CHECK(snapshot->json.bytes.find(response.data) != std::string::npos);
  CHECK(snapshot->json_line.find("{   \"a\": 1}") != std::string::npos);
  CHECK(snapshot->json_line.size() == snapshot->json.bytes.size());
  CHECK(snapshot->json_line.find_first_of("\r\n") == std::string::npos);
}

TEST_CASE("snapshot: a collection is known by any tag of the same bytes, a job by its own alone") {
  Snapshot state;
  state.json.tag = {1, 7, 99};
  const ValidatorList older(EntityTag{1, 5, 99});
  CHECK(state.known_as(older, MediaType::kJson) == nullptr);
  state.collection = true;
  REQUIRE(state.known_as(older, MediaType::kJson) != nullptr);
  CHECK(*state.known_as(older, MediaType::kJson) == EntityTag{1, 5, 99});
  CHECK(state.known_as(ValidatorList(EntityTag{2, 7, 99}), MediaType::kJson) == nullptr);
  CHECK(state.known_as(*ValidatorList::parse("*"), MediaType::kJson) == &state.json.tag);
  CHECK(state.known_as({}, MediaType::kJson) == nullptr);
}

TEST_CASE("snapshot: the JSON of a large job takes hardly more memory than it has bytes") {
  Job job("build-7");
  std::vector<Entry> entries = {kDefined};
  for (Revision revision = 2; revision < 3'000; ++revision) {
    entries.push_back(
        happened("build-7", revision, EventKind::kStarted, "web-" + std::to_string(revision)));
  }
  absorb_all(job, entries);
  const auto snapshot = make_snapshot(job, 1, false);
  const std::string& bytes = snapshot->json.bytes;
  REQUIRE(bytes.size() > 200'000);
  CHECK(bytes.capacity() < bytes.size() + 70'000);
}

TEST_CASE("snapshot: tags name epoch, revision and the hash of the bytes") {
  Job job("build-7");
  absorb_all(job, {kDefined, happened("build-7", 2, EventKind::kStarted, "w"),
                   responded("build-7", 3, "w")});
  const auto snapshot = make_snapshot(job, 0xabc);
  CHECK(snapshot->job_id == "build-7");
  CHECK(snapshot->status == Status::kProcessing);
  CHECK_FALSE(snapshot->final);
  CHECK(snapshot->json.bytes == render_json(job, job.final()));
  CHECK(snapshot->json.tag == EntityTag{0xabc, 3, hash_of(snapshot->json.bytes)});
  CHECK(snapshot->text.tag == EntityTag{0xabc, 2, hash_of("processing\n")});
  CHECK(snapshot->json.etag() == "\"" + opaque_tag(snapshot->json.tag) + "\"");
  CHECK(&snapshot->as(MediaType::kText) == &snapshot->text);
  CHECK(&snapshot->as(MediaType::kJson) == &snapshot->json);
  const auto list = ValidatorList::parse(snapshot->json.etag());
  REQUIRE(list);
  CHECK(list->matches(snapshot->json.tag));
  CHECK_FALSE(list->matches(snapshot->text.tag));
}
