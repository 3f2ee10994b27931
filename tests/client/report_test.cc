#include "client/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "core/job/entry.h"

using namespace bide;
using namespace std::chrono_literals;

TEST_CASE("report: keys are 128 bits in hexadecimal, and no two are equal") {
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.insert(new_idempotency_key());
  CHECK(keys.size() == 1000);
  for (const std::string& key : keys) {
    CHECK(key.size() == 32);
    CHECK(key.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
}

TEST_CASE("report: new ids are UUIDs of version 7, ordered by time") {
  // RFC 9562, appendix A.6: 2022-02-22 14:22:22 -05:00.
  const WallTime time{1645557742000ms};
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(new_job_id(time));
  CHECK(ids.size() == 1000);
  for (const std::string& id : ids) {
    CHECK(is_job_id(id));
    CHECK(id.size() == 36);
    CHECK(id.starts_with("017f22e2-79b0-7"));
    CHECK(std::string("89ab").find(id[19]) != std::string::npos);
    CHECK(std::count(id.begin(), id.end(), '-') == 4);
  }
  CHECK(new_job_id(time) < new_job_id(time + 1ms));
}

TEST_CASE("report: an event is stored as of the time when it happened") {
  Report report = report_of(NewEvent{"build-7", EventKind::kStarted, "web-01", ""});
  report.when = WallTime(1645557742s);
  CHECK(entry_of(report).key == "status.build-7.started.web-01.1645557742000000000");
}
