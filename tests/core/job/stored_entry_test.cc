#include "core/job/stored_entry.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace bide {
namespace {

StoredEvent stored(const std::string& key_rest, const std::string& hostname, std::int64_t nano) {
  Entry entry;
  entry.job_id = "build-7";
  entry.key_rest = key_rest;
  entry.family = Entry::Family::kStatus;
  entry.revision = 1;
  entry.what = Event{.kind = EventKind::kStarted,
                     .hostname = hostname,
                     .timestamp = "2026-01-01T00:00:00Z",
                     .unix_nano = nano,
                     .error = "",
                     .new_job_id = ""};
  return StoredEvent(entry);
}

TEST_CASE("stored event: its key reads back as written, however little of it is stored") {
  struct Case {
    const char* key_rest;
    const char* hostname;
    std::int64_t nano;
    const char* kept;
  };
  const std::array<Case, 6> cases = {{
      {"started.web-01.17", "web-01", 17, ""},                     // The normal form.
      {"started.web-01_lan.17", "web-01.lan", 17, "web-01_lan"},   // A name that was sanitised.
      {"started.web-01.18", "web-01", 17, "started.web-01.18"},    // Another time.
      {"started.web-01.017", "web-01", 17, "started.web-01.017"},  // Another spelling of it.
      {"started.a.17", "b", 17, "a"},                              // Another agent.
      {"started.a.18", "b", 17, "started.a.18"},                   // Both.
  }};
  for (const Case& one : cases) {
    CAPTURE(one.key_rest);
    const StoredEvent event = stored(one.key_rest, one.hostname, one.nano);
    CHECK(event.key_rest() == one.key_rest);
    CHECK(event.text[1] == one.kept);
    CHECK(event.hostname() == one.hostname);
    CHECK(event.timestamp() == "2026-01-01T00:00:00Z");
  }
}

}  // namespace
}  // namespace bide
