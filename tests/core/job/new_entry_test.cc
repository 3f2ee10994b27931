#include "core/job/new_entry.h"

#include <doctest/doctest.h>

#include "core/job/entry_codec.h"

using namespace bide;
using namespace std::chrono_literals;

namespace {

constexpr WallTime kNow{std::chrono::nanoseconds(1'700'000'000'250'000'000)};

// The entry as `bide serve` decodes it.
template <typename What>
What read_back(const NewEntry& entry) {
  auto decoded = decode(RawEntry{
      .key = entry.key, .value = entry.value, .deleted = false, .revision = 1, .written = {}});
  REQUIRE(std::holds_alternative<Entry>(decoded));
  auto& what = std::get<Entry>(decoded).what;
  REQUIRE(std::holds_alternative<What>(what));
  return std::get<What>(what);
}

}  // namespace

TEST_CASE("new_entry: an event comes back as it was meant") {
  const NewEntry entry = event_entry({.job_id = "build-7",
                                      .kind = EventKind::kFailed,
                                      .agent = "web 01.example",
                                      .data = error_data("no \"space\"\n")},
                                     kNow);
  CHECK(entry.key == "status.build-7.failed.web_01_example.1700000000250000000");
  CHECK(!find_fault(entry));
  const auto event = read_back<Event>(entry);
  CHECK(event.kind == EventKind::kFailed);
  CHECK(event.hostname == "web 01.example");
  CHECK(event.error == "no \"space\"\n");
  CHECK(event.unix_nano == 1'700'000'000'250'000'000);
  CHECK(event.timestamp == "2023-11-14T22:13:20.25Z");
}

TEST_CASE("new_entry: progress has a key without a time, and comes back as it was meant") {
  const auto progress = [](std::string data) {
    return event_entry(
        {.job_id = "build-7", .kind = {}, .agent = "web 01", .data = std::move(data)}, kNow);
  };
  const NewEntry entry = progress(R"({"percent":40.5,"message":"linking"})");
  CHECK(entry.key == "status.build-7.progress.web_01");
  CHECK(!find_fault(entry));
  const auto read = read_back<ProgressReport>(entry);
  CHECK(read.hostname == "web 01");
  CHECK(read.percent == "40.5");
  CHECK(read.message == "linking");
  CHECK(find_fault(progress(R"({"percent":101})")));
}

TEST_CASE("new_entry: a definition comes back as it was meant") {
  const NewEntry entry = definition_entry({.job_id = "build-7",
                                           .operation = R"({"cmd": "make"})",
                                           .subject = "jobs.execute._all",
                                           .expected_agents = {"b", "a"}},
                                          kNow);
  CHECK(entry.key == "jobs.build-7");
  CHECK(!find_fault(entry));
  const auto definition = read_back<Definition>(entry);
  CHECK(definition.operation == R"({"cmd": "make"})");
  CHECK(definition.subject == "jobs.execute._all");
  CHECK(std::get<std::vector<std::string>>(definition.expected_agents) ==
        std::vector<std::string>{"a", "b"});
}

TEST_CASE("new_entry: the smallest definition says no more than it must") {
  const NewEntry entry = definition_entry(
      {.job_id = "x", .operation = "{}", .subject = "", .expected_agents = {}}, kNow);
  CHECK(entry.value == R"({"id":"x","created":"2023-11-14T22:13:20.25Z","operation":{}})");
}

TEST_CASE("new_entry: an entry that bide would reject is found before it is written") {
  const auto fault_of = [](const char* agent, const std::string& data) {
    return find_fault(event_entry(
        {.job_id = "x", .kind = EventKind::kStarted, .agent = agent, .data = data}, kNow));
  };
  CHECK(!fault_of("web-01", ""));
  CHECK(fault_of("", ""));
  CHECK(fault_of("\xff", ""));
  CHECK(fault_of(std::string(kHostnameBytesMax + 1, 'x').c_str(), ""));
  CHECK(fault_of("web-01", error_data(std::string(kValueBytesMax, 'x'))));
}

TEST_CASE("new_entry: times are RFC 3339 in UTC without idle digits") {
  CHECK(rfc3339_nano(WallTime{}) == "1970-01-01T00:00:00Z");
  CHECK(rfc3339_nano(WallTime{1ns}) == "1970-01-01T00:00:00.000000001Z");
  CHECK(rfc3339_nano(WallTime{1'500ms}) == "1970-01-01T00:00:01.5Z");
  CHECK(rfc3339_nano(WallTime{std::chrono::seconds(1'709'251'199)}) == "2024-02-29T23:59:59Z");
}
