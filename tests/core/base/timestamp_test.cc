#include "core/base/timestamp.h"

#include <doctest/doctest.h>

#include "core/job/new_entry.h"

namespace bide {

TEST_CASE("timestamp: the moment that it names") {
  const auto at = [](const char* text) {
    const auto time = parse_timestamp(text);
    return time ? rfc3339_nano(*time) : "none";
  };
  CHECK(at("1970-01-01T00:00:00Z") == "1970-01-01T00:00:00Z");
  CHECK(at("2024-02-29T23:59:59.5z") == "2024-02-29T23:59:59.5Z");
  CHECK(at("2024-05-01t10:00:00.123456789Z") == "2024-05-01T10:00:00.123456789Z");
  CHECK(at("2024-05-01T10:00:00.1234567899999Z") == "2024-05-01T10:00:00.123456789Z");
  CHECK(at("2024-05-01T10:00:00+02:30") == "2024-05-01T07:30:00Z");
  CHECK(at("2024-05-01T23:00:00.25-02:00") == "2024-05-02T01:00:00.25Z");
  CHECK(at("2016-12-31T23:59:60Z") == "2016-12-31T23:59:59Z");
  CHECK(at("2261-12-31T23:59:59Z") == "2261-12-31T23:59:59Z");
  for (const char* const wrong :
       {"", "2024-05-01", "2024-05-01T10:00:00", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T10:60:00Z",
        "2024-05-01T10:00:61Z", "2024-05-01T10:00:00+24:00", "2024-05-01T10:00:00+01:60",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2262-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z", "2024-05-01T10:00:00.Z", "2024-05-01 10:00:00Z", "started"}) {
    CAPTURE(wrong);
    CHECK(at(wrong) == "none");
  }
}

}  // namespace bide
