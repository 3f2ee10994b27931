#include "server/api/stream_query.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/server/api/query_request.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::judged;
using testing::request_of;
using Kind = Condition::Kind;

const std::string kId = "18a-7-0123456789abcdef";
const std::string kOtherId = "18a-8-0123456789abcdef";

StreamQuery parsed(std::string_view query, const std::vector<std::string>& fields = {}) {
  const auto result = parse_stream_query(request_of(query, fields), true);
  REQUIRE(std::holds_alternative<StreamQuery>(result));
  return std::get<StreamQuery>(result);
}

// The id in force, as text; empty: none.
std::string id_of(const StreamQuery& query) {
  return query.last_event_id ? opaque_tag(*query.last_event_id) : "";
}

std::string detail_of(std::string_view query, bool ends = true) {
  const auto result = parse_stream_query(request_of(query), ends);
  const auto* const bad = std::get_if<BadQuery>(&result);
  REQUIRE(bad != nullptr);
  CHECK(bad->status == 400);
  return bad->detail;
}

}  // namespace

TEST_CASE("stream_query: by default nothing is known, and the stream ends when the job is final") {
  const StreamQuery query = parsed("");
  CHECK_FALSE(query.last_event_id);
  CHECK(query.end.kind() == Kind::kFinal);
}

TEST_CASE("stream_query: the last event id comes by field or by parameter, and the field wins") {
  CHECK(id_of(parsed("", {"Last-Event-ID: " + kId})) == kId);
  CHECK(id_of(parsed("", {"last-event-id: " + kId})) == kId);
  CHECK(id_of(parsed("last_event_id=" + kId)) == kId);
  CHECK(id_of(parsed("last_event_id=" + kOtherId, {"Last-Event-ID: " + kId})) == kId);
}

TEST_CASE("stream_query: an id that is not bide's counts as none") {
  for (const std::string& id : std::vector<std::string>{
           "", "42", "of-another-server", "\"" + kId + "\"", "W/" + kId, kId + " ", kId + "0",
           "018a-7-0123456789abcdef", "18A-7-0123456789abcdef", "18a-07-0123456789abcdef"}) {
    CAPTURE(id);
    CHECK_FALSE(parsed("", {"Last-Event-ID: " + id}).last_event_id);
    CHECK_FALSE(parsed("last_event_id=" + id).last_event_id);
    CHECK_FALSE(parsed("last_event_id=" + kId, {"Last-Event-ID: " + id}).last_event_id);
  }
}

TEST_CASE("stream_query: until says when the stream ends") {
  CHECK(parsed("until=done").end.kind() == Kind::kDone);
  CHECK(parsed("until=succeeded").end.kind() == Kind::kSucceeded);
  const Condition listed = parsed("until=processing,failed").end;
  CHECK(listed.kind() == Kind::kStatus);
  CHECK(judged(listed, "") == Verdict::kPending);
  CHECK(judged(listed, "a:started") == Verdict::kHolds);
  CHECK(judged(listed, "a:failed") == Verdict::kHolds);
  CHECK(judged(listed, "a:completed") == Verdict::kPending);
}

TEST_CASE("stream_query: expect counts the agents that must be terminal") {
  const Condition two = parsed("until=done&expect=2").end;
  CHECK(judged(two, "a:completed") == Verdict::kPending);
  CHECK(judged(two, "a:completed b:started") == Verdict::kPending);
  CHECK(judged(two, "a:completed b:failed") == Verdict::kHolds);
}

TEST_CASE("stream_query: until=change and until=exists name no end") {
  for (const char* query : {"until=change", "until=exists"}) {
    CHECK(detail_of(query).starts_with("until says when the stream ends: done, succeeded, or"));
  }
}

TEST_CASE("stream_query: malformed parameters are refused, and the answer says what is expected") {
  CHECK(detail_of("until=finished").starts_with("until is not one of the allowed words: "));
  CHECK(detail_of("until=").starts_with("until is not one of the allowed words: "));
  CHECK(detail_of("until=done&until=done") == "until is given twice; give it once");
  CHECK(detail_of("last_event_id=a&last_event_id=a") ==
        "last_event_id is given twice; give it once");
  CHECK(detail_of("until=done&expect=0") == "expect is a number from 1 to 100000");
  CHECK(detail_of("until=done&expect=1&expect=1") == "expect is given twice; give it once");
}

TEST_CASE("stream_query: expect without until=done is refused, as for a held request") {
  for (const char* query : {"expect=2", "expect=2&until=succeeded", "expect=2&until=processing"}) {
    CAPTURE(query);
    CHECK(detail_of(query) == "expect counts agents for until=done; add until=done");
  }
  CHECK(detail_of("expect=many") == "expect is a number from 1 to 100000");
}

TEST_CASE("stream_query: fields of a held request are ignored, its parameters are not") {
  const StreamQuery query = parsed("_=1", {"If-None-Match: nonsense", "Prefer: wait=1"});
  CHECK(query.end.kind() == Kind::kFinal);
  CHECK(detail_of("wait=1s").starts_with("unknown parameter `wait`; the nearest known one is "));
  CHECK(detail_of("lastEventId=x") ==
        "unknown parameter `lastEventId`; the nearest known one is `last_event_id`; this resource "
        "knows last_event_id, until, expect, every, patch");
}

TEST_CASE("stream_query: a stream without an end knows neither until nor expect") {
  for (const char* query : {"until=done", "expect=2", "until=done&expect=2"}) {
    CHECK(detail_of(query, false) ==
          "until and expect are for a job's stream; this one has no end");
  }
  CHECK(detail_of("untli=done", false) ==
        "unknown parameter `untli`; the nearest known one is `patch`; this resource knows "
        "last_event_id, label, every, patch");
}

TEST_CASE("stream_query: every is a duration between 100ms and 60s") {
  CHECK(parsed("").every == 0ms);
  CHECK(parsed("every=100ms").every == 100ms);
  CHECK(parsed("every=2").every == 2s);
  CHECK(parsed("every=1.5s").every == 1500ms);
  CHECK(parsed("every=1m").every == 60s);
  for (const char* query : {"every=", "every=99ms", "every=0", "every=-1s", "every=60001ms",
                            "every=2h", "every=often"}) {
    CAPTURE(query);
    CHECK(detail_of(query) == "every is a duration from 100ms to 60s, like 2s or 500ms");
    CHECK(detail_of(query, false) == "every is a duration from 100ms to 60s, like 2s or 500ms");
  }
  CHECK(detail_of("every=2s&every=2s") == "every is given twice; give it once");
  CHECK(detail_of("evry=2s").starts_with(
      "unknown parameter `evry`; the nearest known one is `every`"));
}

TEST_CASE("stream_query: patch=json asks for patches, and there is no other format") {
  CHECK_FALSE(parsed("").patches);
  CHECK(parsed("patch=json").patches);
  for (const char* query : {"patch=", "patch=merge", "patch=JSON"}) {
    CHECK(detail_of(query) == "patch names the format of patches; json (RFC 6902) is the only one");
  }
  CHECK(detail_of("patch=json&patch=json") == "patch is given twice; give it once");
}

TEST_CASE("stream_query: a proxy's suffix of an id is ignored") {
  CHECK(id_of(parsed("", {"Last-Event-ID: " + kId + "-gzip"})) == kId);
  CHECK(id_of(parsed("last_event_id=" + kId + "-br")) == kId);
}

}  // namespace bide
