#include "core/job/entry_key.h"

#include <doctest/doctest.h>

#include "tests/core/job/decoding.h"

using namespace bide;
using namespace bide::testing;

TEST_CASE("key: the four families are told apart by their keys") {
  struct Row {
    std::string key;
    Entry::Family family;
    std::string_view rest;
  };
  const Row rows[] = {
      {"jobs.build-7", Entry::Family::kJob, ""},
      {kEventKey, Entry::Family::kStatus, "started.web_01.1700000000000000001"},
      {"status.build-7.progress.web_01", Entry::Family::kProgress, "progress.web_01"},
      {"responses.build-7.web_01.5", Entry::Family::kResponse, "web_01.5"},
      {"responses.build-7._api.0", Entry::Family::kResponse, "_api.0"},
      {"responses.build-7.a/b=c-d.9223372036854775807", Entry::Family::kResponse,
       "a/b=c-d.9223372036854775807"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.key);
    const auto result = decode({.key = row.key,
                                .value = "garbage",
                                .deleted = true,
                                .revision = 7,
                                .written = WallTime(std::chrono::seconds(5))});
    REQUIRE(std::holds_alternative<Entry>(result));
    const Entry& entry = std::get<Entry>(result);
    CHECK(entry.job_id == "build-7");
    CHECK(entry.family == row.family);
    CHECK(entry.key_rest == row.rest);
    CHECK(entry.revision == 7);
    CHECK(entry.written == WallTime(std::chrono::seconds(5)));
    CHECK(std::holds_alternative<Deletion>(entry.what));
  }
}

TEST_CASE("key: other keys are refused, deleted or not") {
  const std::string rows[] = {
      "",
      ".",
      "jobs",
      "jobs.",
      ".jobs.a",
      "jobs.a.",
      "jobs.a.b",
      "Jobs.a",
      "job.a",
      "jobs.a b",
      "jobs.\xC3\xA4",
      "jobs.status",
      "jobs.events",
      "jobs." + std::string(129, 'a'),
      "jobs." + std::string(kKeyBytesMax, 'a'),
      "status.a",
      "status.a.started",
      "status.a.started.w",
      "status.a.progress",
      "status.a.progress.",
      "status.a.progress.w.5",
      "status.a.progress.w.",
      "status.a.Progress.w",
      "status.a.progress.w w",
      "status.events.progress.w",
      "responses.a.progress.w",
      "status.a.started.w.",
      "status.a.started..5",
      "status.a.Started.w.5",
      "status.a.finished.w.5",
      "status.a..w.5",
      "status..started.w.5",
      "status.events.started.w.5",
      "status.a.started.w.5.6",
      "status.a.started.w.5.",
      "status.a.started.w.-5",
      "status.a.started.w.+5",
      "status.a.started.w.5x",
      "status.a.started.w.0x5",
      "status.a.started.w.1e3",
      "status.a.started.w. 5",
      "status.a.started.w.9223372036854775808",
      "status.a.started.w*.5",
      "status.a.started.w w.5",
      "responses.a.w",
      "responses.a..5",
      "responses.a.w.5.6",
      "responses.a.started.w.5",
      std::string("jobs.a\0b", 8),
  };
  for (const std::string& key : rows) {
    CAPTURE(key);
    CHECK(verdict(key, "{}") == "key");
    const auto result = decode({.key = key, .value = {}, .deleted = true, .written = {}});
    CHECK(std::holds_alternative<Rejection>(result));
  }
  CHECK(verdict("jobs." + std::string(128, 'a'), "{}") == "accepted");
}

TEST_CASE("key: no truncation of a key is another, but for its last digits") {
  for (std::size_t size = 0; size < kEventKey.size(); ++size) {
    const std::string_view key = std::string_view(kEventKey).substr(0, size);
    CHECK(verdict(key, kEventValue) == (size > 30 ? "accepted" : "key"));
  }
}
