#include "server/http/prefer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/base/duration.h"

namespace bide {
namespace {

// The wait in seconds; -1: none.
std::int64_t wait_in(const std::vector<std::string>& lines) {
  http::Headers headers;
  for (const std::string& line : lines) headers.emplace("prefer", line);
  const auto wait = preferred_wait(headers);
  return wait ? wait->count() : -1;
}

}  // namespace

TEST_CASE("prefer: wait is found wherever it stands") {
  CHECK(wait_in({}) == -1);
  CHECK(wait_in({"wait=30"}) == 30);
  CHECK(wait_in({"WAIT=0"}) == 0);
  CHECK(wait_in({"respond-async, wait=10"}) == 10);
  CHECK(wait_in({", ,wait = 10 ,"}) == 10);
  CHECK(wait_in({"wait=10; foo=bar; baz"}) == 10);
  CHECK(wait_in({"wait=\"10\""}) == 10);
  CHECK(wait_in({"return=minimal", "respond-async", "wait=007"}) == 7);
}

TEST_CASE("prefer: the first wait counts") {
  CHECK(wait_in({"wait=10, wait=20"}) == 10);
  CHECK(wait_in({"wait=10", "wait=20"}) == 10);
}

TEST_CASE("prefer: what is malformed is not said") {
  for (const char* line : {"wait", "wait=", "wait=\"\"", "wait=x", "wait=-1", "wait=+1", "wait=1.5",
                           "wait=30s", "wait=1 2", "wait=\"10", "waiting=10", "foo;wait=10",
                           "foo=\"a, wait=10\"", "=10", ";wait=10x"}) {
    CAPTURE(line);
    CHECK(wait_in({line}) == -1);
  }
  CHECK(wait_in({"wait=soon, wait=5"}) == 5);
}

TEST_CASE("prefer: a wait of any length is a number, a year at most") {
  const auto year = std::chrono::duration_cast<std::chrono::seconds>(kDurationMax).count();
  CHECK(wait_in({"wait=" + std::to_string(year - 1)}) == year - 1);
  CHECK(wait_in({"wait=" + std::to_string(year + 1)}) == year);
  CHECK(wait_in({"wait=" + std::string(1000, '9')}) == year);
}

}  // namespace bide
