#include "server/api/hold_query.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/server/api/query_request.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::judged;
using testing::request_of;
using Fields = std::vector<std::string>;
using Kind = Condition::Kind;

HoldQuery parsed(std::string_view query, const Fields& fields = {}) {
  HoldQuery result;
  const auto bad = parse_hold_query(request_of(query, fields), result);
  REQUIRE_FALSE(bad);
  return result;
}

std::string detail_of(const std::optional<BadQuery>& bad) {
  REQUIRE(bad);
  CHECK(bad->status == 400);
  return bad->detail;
}

std::string hold_detail(std::string_view query, const Fields& fields = {}) {
  HoldQuery ignored;
  return detail_of(parse_hold_query(request_of(query, fields), ignored));
}

Condition until(std::string_view query) {
  Condition condition = Condition::final();
  REQUIRE_FALSE(parse_until(request_of(query), condition));
  return condition;
}

std::string until_detail(std::string_view query) {
  Condition ignored;
  return detail_of(parse_until(request_of(query), ignored));
}

std::string tag_text(Revision revision) {
  return "\"" + opaque_tag({.epoch = 1, .revision = revision, .hash = 2}) + "\"";
}

bool knows(const HoldQuery& query, Revision revision) {
  return query.seen.matches({.epoch = 1, .revision = revision, .hash = 2});
}

}  // namespace

TEST_CASE("hold_query: a request that says nothing is not held and knows nothing") {
  const HoldQuery query = parsed("");
  CHECK_FALSE(query.wait);
  CHECK_FALSE(query.preferred);
  CHECK_FALSE(query.max_stale);
  CHECK(query.seen.empty());
}

TEST_CASE("hold_query: wait is a duration, unclamped") {
  CHECK(parsed("wait=30s").wait == 30s);
  CHECK(parsed("wait=1m30s").wait == 90s);
  CHECK(parsed("wait=500ms").wait == 500ms);
  CHECK(parsed("wait=30").wait == 30s);
  CHECK(parsed("wait=0").wait == 0s);
  CHECK(parsed("wait=9h").wait == 9h);
  CHECK_FALSE(parsed("wait=30s").preferred);
}

TEST_CASE("hold_query: Prefer waits too, and the parameter wins") {
  const HoldQuery preferred = parsed("", {"Prefer: respond-async", "Prefer: wait=20"});
  CHECK(preferred.wait == 20s);
  CHECK(preferred.preferred);
  const HoldQuery both = parsed("wait=10", {"Prefer: wait=20"});
  CHECK(both.wait == 10s);
  CHECK_FALSE(both.preferred);
  CHECK_FALSE(parsed("", {"Prefer: wait=soon"}).wait);
}

TEST_CASE("hold_query: an invalid wait is refused, whatever Prefer says") {
  const std::string expected = "wait is a duration like 30s, 1m30s, 500ms, or bare seconds";
  for (const char* query : {"wait=", "wait=soon", "wait=-1s", "wait=+1", "wait=1s1s", "wait"}) {
    CAPTURE(query);
    CHECK(hold_detail(query, {"Prefer: wait=20"}) == expected);
  }
  CHECK(hold_detail("wait=1&wait=1") == "wait is given twice; give it once");
}

TEST_CASE("hold_query: a job that does not exist is waited for unless missing=fail") {
  const auto fails = [](std::string_view text) {
    HoldQuery query;
    REQUIRE_FALSE(parse_missing(request_of(text), query));
    return query.fail_if_missing;
  };
  CHECK_FALSE(fails(""));
  CHECK_FALSE(fails("missing=wait"));
  CHECK(fails("missing=fail"));
  for (const char* bad : {"missing", "missing=", "missing=Fail", "missing=wait,fail"}) {
    HoldQuery ignored;
    CHECK(detail_of(parse_missing(request_of(bad), ignored)) == "missing is wait or fail");
  }
  HoldQuery ignored;
  CHECK(detail_of(parse_missing(request_of("missing=wait&missing=wait"), ignored)) ==
        "missing is given twice; give it once");
}

TEST_CASE("hold_query: the lines of If-None-Match are one list") {
  const HoldQuery query = parsed(
      "", {"If-None-Match: " + tag_text(1) + ", W/" + tag_text(2), "If-None-Match: \"not-of-bide\"",
           "If-None-Match: ", "If-None-Match: " + tag_text(3)});
  for (const Revision revision : {1, 2, 3}) CHECK(knows(query, revision));
  CHECK_FALSE(knows(query, 4));
  CHECK_FALSE(query.seen.any());
  CHECK(parsed("", {"If-None-Match: *"}).seen.any());
}

TEST_CASE("hold_query: If-Match is one list of strong tags, or nothing at all") {
  CHECK_FALSE(parsed("").only_if);
  const HoldQuery query = parsed("", {"If-Match: " + tag_text(1) + ", W/" + tag_text(2),
                                      "If-Match: \"not-of-bide\"", "If-Match: " + tag_text(3)});
  REQUIRE(query.only_if);
  const auto lists = [&](Revision revision) {
    return query.only_if->matches({.epoch = 1, .revision = revision, .hash = 2});
  };
  CHECK(lists(1));
  CHECK_FALSE(lists(2));  // Weak.
  CHECK(lists(3));
  CHECK(query.seen.empty());
  CHECK(parsed("", {"If-Match: *"}).only_if->any());
  CHECK(parsed("", {"If-Match: "}).only_if->empty());
  for (const char* bad : {"If-Match: abc", "If-Match: \"open", "If-Match: *, \"a\""}) {
    CHECK(hold_detail("", {bad}) ==
          "If-Match is not * or a list of entity tags (RFC 9110, 13.1.1)");
  }
}

TEST_CASE("hold_query: an If-None-Match outside the grammar is refused") {
  const std::string expected = "If-None-Match is not * or a list of entity tags (RFC 9110, 13.1.2)";
  CHECK(hold_detail("", {"If-None-Match: abc"}) == expected);
  CHECK(hold_detail("", {"If-None-Match: " + tag_text(1) + " " + tag_text(2)}) == expected);
  CHECK(hold_detail("", {"If-None-Match: \"open"}) == expected);
  CHECK(hold_detail("", {"If-None-Match: *", "If-None-Match: " + tag_text(1)}) == expected);
}

TEST_CASE("hold_query: max-stale is found among the directives of all lines") {
  CHECK(parsed("", {"Cache-Control: max-stale"}).max_stale);
  CHECK(parsed("", {"Cache-Control: no-transform, Max-Stale = 60"}).max_stale);
  CHECK(parsed("", {"Cache-Control: no-transform", "Cache-Control: max-stale=60"}).max_stale);
  CHECK_FALSE(parsed("", {"Cache-Control: no-cache"}).max_stale);
  CHECK_FALSE(parsed("", {"Cache-Control: x=\"a, max-stale\""}).max_stale);
}

TEST_CASE("hold_query: find_once gives the value, null for none, and refuses two") {
  const http::Request request = request_of("a=1&b=&c=1&c=2");
  const std::string* value = nullptr;
  CHECK_FALSE(find_once(request, "a", value));
  REQUIRE(value != nullptr);
  CHECK(*value == "1");
  CHECK_FALSE(find_once(request, "b", value));
  REQUIRE(value != nullptr);
  CHECK(value->empty());
  CHECK_FALSE(find_once(request, "d", value));
  CHECK(value == nullptr);
  CHECK(detail_of(find_once(request, "c", value)) == "c is given twice; give it once");
}

TEST_CASE("hold_query: find_number takes both bounds, and nothing beyond") {
  std::uint64_t value = 77;
  CHECK_FALSE(find_number(request_of("x=1"), "n", 1, 100, value));
  CHECK(value == 77);
  CHECK_FALSE(find_number(request_of("n=1"), "n", 1, 100, value));
  CHECK(value == 1);
  CHECK_FALSE(find_number(request_of("n=100"), "n", 1, 100, value));
  CHECK(value == 100);
  for (const char* query : {"n=0", "n=101", "n=", "n", "n=-1", "n=%2B1", "n=1.0", "n=1x", "n=%201",
                            "n=18446744073709551617"}) {
    CAPTURE(query);
    CHECK(detail_of(find_number(request_of(query), "n", 1, 100, value)) ==
          "n is a number from 1 to 100");
  }
  CHECK(detail_of(find_number(request_of("n=1&n=2"), "n", 1, 100, value)) ==
        "n is given twice; give it once");
  CHECK(value == 100);
}

TEST_CASE("hold_query: until has its words, and change where there is none") {
  CHECK(until("").kind() == Kind::kChange);
  CHECK(until("until=change").kind() == Kind::kChange);
  CHECK(until("until=done").kind() == Kind::kDone);
  CHECK(until("until=succeeded").kind() == Kind::kSucceeded);
  CHECK(until("until=exists").kind() == Kind::kExists);
  for (const Status status : kAllStatuses) {
    CHECK(until("until=" + std::string(word_of(status))).kind() == Kind::kStatus);
  }
}

TEST_CASE("hold_query: a list of statuses holds for each of them and for no other") {
  const Condition listed = until("until=submitted,completed");
  CHECK(judged(listed, "") == Verdict::kHolds);
  CHECK(judged(listed, "a:started") == Verdict::kPending);
  CHECK(judged(listed, "a:completed") == Verdict::kHolds);
  CHECK(judged(listed, "a:failed") == Verdict::kPending);
}

TEST_CASE("hold_query: expect counts agents, for done alone") {
  const Condition two = until("until=done&expect=2");
  CHECK(judged(two, "a:completed") == Verdict::kPending);
  CHECK(judged(two, "a:completed b:skipped") == Verdict::kHolds);
  CHECK(judged(until("until=done"), "a:completed") == Verdict::kHolds);
  CHECK(judged(until("until=done&expect=100000"), "a:completed") == Verdict::kPending);
  for (const char* query : {"expect=1", "expect=1&until=change", "expect=1&until=completed"}) {
    CHECK(until_detail(query) == "expect counts agents for until=done; add until=done");
  }
  for (const char* query : {"until=done&expect=0", "until=done&expect=100001", "expect=x"}) {
    CHECK(until_detail(query) == "expect is a number from 1 to 100000");
  }
}

TEST_CASE("hold_query: an invalid until is refused with the allowed words") {
  for (const char* query : {"until=", "until=finished", "until=Done", "until=done,failed",
                            "until=failed,", "until=,failed", "until=failed,+skipped"}) {
    CAPTURE(query);
    CHECK(until_detail(query) ==
          "until is not one of the allowed words: change, done, succeeded, exists, or a comma list "
          "of submitted, processing, completed, failed, skipped, partial_failure");
  }
  CHECK(until_detail("until=done&until=done") == "until is given twice; give it once");
}

}  // namespace bide
