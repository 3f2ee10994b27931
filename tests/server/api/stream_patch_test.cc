// Streams with `patch=json`.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "tests/core/job/json_patch.h"
#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using testing::Client;
using testing::defined;
using testing::deleted;
using testing::happened;
using testing::kBothRoads;
using testing::PatchedDocument;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::Told;

Definition many() {
  Definition definition;
  definition.subject = "x._all";
  definition.operation = "\"" + std::string(2000, 'x') + "\"";
  return definition;
}

std::string body_of(const ServedTable& server, const std::string& job) {
  Client client = server.dial();
  client.send("GET /job/" + job + " HTTP/1.1\r\nHost: test\r\n\r\n");
  const std::string response = client.response();
  return response.substr(response.find("\r\n\r\n") + 4);
}

// The id in the test that a patch of the feed begins with.
std::string job_of(const Told& told) {
  const std::string name =
      told.event == "patch" ? R"([{"op":"test","path":"/id","value":")" : R"({"id":")";
  REQUIRE(told.data.starts_with(name));
  return told.data.substr(name.size(), told.data.find('"', name.size()) - name.size());
}

StreamReader feed_reader(const ServedTable& server, const std::string& query) {
  return StreamReader(server.dial(), Road::kEvents,
                      "GET /job/events" + query + " HTTP/1.1\r\nHost: test\r\n\r\n");
}

}  // namespace

TEST_CASE("stream patch: the first record is whole, all later ones are patches, the last one too") {
  for (const Road road : kBothRoads) {
    ServedTable server;
    Definition definition = many();
    definition.expected_agents = 2U;
    server.apply(defined("build-7", 1, definition));
    StreamReader reader(server, road, "build-7", "?patch=json");
    CHECK(reader.gist() == "hello");
    const Told first = reader.next();
    CHECK(first.event == "job");
    PatchedDocument document(first.data);
    Revision revision = 1;
    for (const EventKind kind : {EventKind::kStarted, EventKind::kCompleted}) {
      for (const char* const agent : {"a/b", "c~d"}) {
        REQUIRE(server.wait_parked(1));
        server.apply(happened("build-7", ++revision, kind, agent));
        const Told told = reader.next();
        CHECK(told.event == "patch");
        CHECK(told.id.find("-" + std::to_string(revision) + "-") != std::string::npos);
        document.apply(told.data);
        CHECK(document.equals(body_of(server, "build-7")));
      }
    }
    CHECK(reader.gist() == "end completed");
  }
}

TEST_CASE("stream patch: a client that comes back is sent the whole state, then patches again") {
  ServedTable server;
  server.apply(defined("build-7", 1, many()));
  std::string id;
  for (Revision revision = 2; revision < 8; revision += 2) {
    const std::string query = "?patch=json" + (id.empty() ? "" : "&last_event_id=" + id);
    server.apply(happened("build-7", revision, EventKind::kStarted, "a"));
    StreamReader reader(server, Road::kEvents, "build-7", query);
    CHECK(reader.gist() == "hello");
    CHECK(reader.next().event == "job");
    REQUIRE(server.wait_parked(1));
    server.apply(happened("build-7", revision + 1, EventKind::kStarted, "b"));
    const Told told = reader.next();
    CHECK(told.event == "patch");
    id = told.id;
    reader.client().reset();
    REQUIRE(server.wait_parked(0));
  }
}

TEST_CASE("stream patch: what no patch can say is sent whole") {
  ServedTable server;
  server.apply(defined("build-7", 1, many()));
  StreamReader reader(server, Road::kEvents, "build-7", "?patch=json");
  CHECK(reader.gist() == "hello");
  CHECK(reader.next().event == "job");
  REQUIRE(server.wait_parked(1));
  const Entry started = happened("build-7", 2, EventKind::kStarted, "a");
  server.apply(started);
  CHECK(reader.next().event == "patch");
  REQUIRE(server.wait_parked(1));
  server.apply(deleted(started, 3));
  const Told whole = reader.next();
  CHECK(whole.event == "job");
  CHECK(whole.data == body_of(server, "build-7"));
  REQUIRE(server.wait_parked(1));
  server.apply(happened("build-7", 4, EventKind::kStarted, "a"));
  CHECK(reader.next().event == "patch");
}

TEST_CASE("stream patch: with every, one patch has all that happened during the rest") {
  ServedTable server;
  server.apply(defined("build-7", 1, many()));
  StreamReader every(server, Road::kEvents, "build-7", "?patch=json&every=300ms");
  StreamReader prompt(server, Road::kEvents, "build-7", "?patch=json");
  for (StreamReader* const reader : {&every, &prompt}) CHECK(reader->gist() == "hello");
  PatchedDocument document(every.next().data);
  CHECK(prompt.next().event == "job");
  for (Revision revision = 2; revision < 7; ++revision) {
    REQUIRE(server.wait_parked(2));
    server.apply(
        happened("build-7", revision, EventKind::kStarted, "a" + std::to_string(revision)));
    CHECK(prompt.next().event == "patch");  // So there are several patches to join.
  }
  bool equal = false;
  while (!equal) {  // More than one if this took longer than a rest.
    const Told told = every.next();
    REQUIRE(told.event == "patch");
    document.apply(told.data);
    equal = document.equals(body_of(server, "build-7"));
  }
}

TEST_CASE("stream patch: the feed sends each job whole once, and names it in its patches") {
  ServedTable server;
  StreamReader reader = feed_reader(server, "?patch=json");
  CHECK(reader.gist() == "hello");
  REQUIRE(server.wait_parked(1));
  std::map<std::string, std::unique_ptr<PatchedDocument>> documents;
  Revision revision = 0;
  int patches = 0;
  for (int round = 0; round < 4; ++round) {
    for (const char* const job : {"build-1", "build-2", "build-3"}) {
      ++revision;
      const std::string agent = "a" + std::to_string(round);
      server.apply(round == 0 ? defined(job, revision, many())
                              : happened(job, revision, EventKind::kStarted, agent));
      const Told told = reader.next();
      CHECK(job_of(told) == job);
      CHECK(told.event == (round == 0 ? "job" : "patch"));
      if (told.event == "job") {
        documents[job] = std::make_unique<PatchedDocument>(told.data);
      } else {
        documents.at(job)->apply(told.data);
        ++patches;
      }
      CHECK(documents.at(job)->equals(body_of(server, job)));
      REQUIRE(server.wait_parked(1));
    }
  }
  CHECK(patches == 9);
  // A job that was deleted and defined again is another one.
  server.apply(deleted(defined("build-1", 1), ++revision));
  server.apply(defined("build-1", ++revision, many()));
  const Told again = reader.next();
  CHECK(again.event == "job");
  CHECK(job_of(again) == "build-1");
}

TEST_CASE("stream patch: with every, the feed's patch is joined and names its job, too") {
  ServedTable server;
  StreamReader every = feed_reader(server, "?patch=json&every=300ms");
  StreamReader prompt = feed_reader(server, "?patch=json");
  for (StreamReader* const reader : {&every, &prompt}) CHECK(reader->gist() == "hello");
  REQUIRE(server.wait_parked(2));
  server.apply(defined("build-7", 1, many()));
  PatchedDocument document(every.next().data);
  CHECK(prompt.next().event == "job");
  for (Revision revision = 2; revision < 7; ++revision) {
    REQUIRE(server.wait_parked(2));
    server.apply(
        happened("build-7", revision, EventKind::kStarted, "a" + std::to_string(revision)));
    CHECK(prompt.next().event == "patch");  // So there are several patches to join.
  }
  bool equal = false;
  while (!equal) {  // More than one if this took longer than a rest.
    const Told told = every.next();
    REQUIRE(told.event == "patch");
    CHECK(job_of(told) == "build-7");
    document.apply(told.data);
    equal = document.equals(body_of(server, "build-7"));
  }
}

TEST_CASE("stream patch: a job that comes to have the label is sent whole") {
  ServedTable server;
  StreamReader reader = feed_reader(server, "?patch=json&label=team=ci");
  CHECK(reader.gist() == "hello");
  REQUIRE(server.wait_parked(1));
  Definition labelled = many();
  labelled.labels = Labels(std::map<std::string, std::string>{{"team", "ci"}});
  Revision revision = 0;
  for (int round = 0; round < 3; ++round) {
    server.apply(defined("build-1", ++revision, labelled));
    CHECK(reader.next().event == "job");
    REQUIRE(server.wait_parked(1));
    server.apply(happened("build-1", ++revision, EventKind::kStarted, "a"));
    CHECK(reader.next().event == "patch");
    REQUIRE(server.wait_parked(1));
    server.apply(defined("build-1", ++revision, many()));
    server.apply(happened("build-1", ++revision, EventKind::kStarted, "b"));
  }
}

TEST_CASE("stream patch: nobody else's snapshot has a chain") {
  ServedTable server;
  server.apply(defined("build-7", 1, many()));
  StreamReader plain(server, Road::kEvents, "build-7");
  CHECK(plain.gist() == "hello");
  CHECK(plain.next().event == "job");
  REQUIRE(server.wait_parked(1));
  server.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  CHECK(plain.next().event == "job");
  const Look look = server.table.look(JobId("build-7"), {}, system_clock().now());
  REQUIRE(look.snapshot != nullptr);
  CHECK(look.snapshot->chain == nullptr);
}

}  // namespace bide
