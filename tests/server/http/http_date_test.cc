#include "server/http/http_date.h"

#include <doctest/doctest.h>

#include <ctime>
#include <future>
#include <string>

namespace bide {
namespace {

std::string date_of(std::int64_t unix_seconds) {
  return std::string(http_date(std::chrono::sys_seconds(std::chrono::seconds(unix_seconds))));
}

}  // namespace

TEST_CASE("http_date: the example of RFC 9110") {
  CHECK(date_of(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("http_date: edges of days, months, years and leap years") {
  CHECK(date_of(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date_of(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(date_of(951782399) == "Mon, 28 Feb 2000 23:59:59 GMT");
  CHECK(date_of(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date_of(4107542400) == "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK(date_of(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST_CASE("http_date: every day of a leap cycle agrees with the C library") {
  for (std::int64_t day = 0; day < 1464; ++day) {
    const std::time_t when = day * 86'400 + day;
    std::tm parts{};
    gmtime_r(&when, &parts);
    char expected[64];
    const std::size_t length =
        std::strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    CHECK(date_of(when) == std::string(expected, length));
  }
}

TEST_CASE("http_date: threads do not share the text they keep") {
  const std::string_view mine = http_date(std::chrono::sys_seconds{});
  std::async(std::launch::async, [] { return date_of(784111777); }).get();
  CHECK(mine == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("http_date: now is between before and after") {
  using Clock = std::chrono::system_clock;
  using std::chrono::floor;
  using std::chrono::seconds;
  for (;;) {
    // The clock that it asks is some milliseconds behind this one.
    const auto before = floor<seconds>(Clock::now() - std::chrono::milliseconds(50));
    const std::string now(http_date_now());
    if (floor<seconds>(Clock::now()) != before) continue;  // The second turned meanwhile.
    CHECK(now == http_date(before));
    break;
  }
}

}  // namespace bide
