#include "server/api/known_parameters.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tests/server/api/query_request.h"

namespace bide {
namespace {

using testing::request_of;

constexpr std::array<std::string_view, 3> kKnown = {"wait", "until", "expect"};

std::string detail_of(std::string_view query) {
  const auto bad = refuse_unknown_parameters(request_of(query).params, kKnown);
  if (!bad) return "";
  CHECK(bad->status == 400);
  return bad->detail;
}

std::string refusal(const std::string& name, const std::string& nearest) {
  return "unknown parameter `" + name + "`; the nearest known one is `" + nearest +
         "`; this resource knows wait, until, expect";
}

}  // namespace

TEST_CASE("known_parameters: those that are known, and those that begin with an underscore") {
  for (const char* query : {"", "wait=1", "until=done&wait=1&expect=2", "wait=1&wait=1", "_=17",
                            "_&__&_wait", "w%61it=1"}) {
    CAPTURE(query);
    CHECK(detail_of(query).empty());
  }
}

TEST_CASE("known_parameters: another one is named with the nearest that is known") {
  CHECK(detail_of("unitl=done") == refusal("unitl", "until"));
  CHECK(detail_of("wait=1&_=2&untill=done") == refusal("untill", "until"));
  CHECK(detail_of("Wait=1") == refusal("Wait", "wait"));
  CHECK(detail_of("wiat=1") == refusal("wiat", "wait"));
  CHECK(detail_of("await") == refusal("await", "wait"));
  CHECK(detail_of("expext=1") == refusal("expext", "expect"));
  CHECK(detail_of("expected=1") == refusal("expected", "expect"));
  CHECK(detail_of("=1") == refusal("", "wait"));
}

TEST_CASE("known_parameters: a name is repeated shortly, and without what a terminal obeys") {
  CHECK(detail_of(std::string(4000, 'u')) == refusal(std::string(32, 'u'), "until"));
  CHECK(detail_of("%1b%5b2J%0a%00%7f") == refusal("?[2J???", "wait"));
}

}  // namespace bide
