#include "core/job/entry_codec.h"

#include <doctest/doctest.h>

#include "tests/core/job/decoding.h"

using namespace bide;
using namespace bide::testing;

TEST_CASE("envelope: a signed envelope is the value inside it") {
  CHECK(event_of(sealed(kEventValue)).hostname == "web.01");
  CHECK(definition_of(sealed("{}")).subject.empty());
  // The payload begins short enough to live inside a std::string: views must not move with it.
  CHECK(definition_of(sealed(R"({"subject":"s"})")).subject == "s");
  CHECK(definition_of(sealed(R"({"operation":{"a":[1, 2]}})")).operation == R"({"a":[1, 2]})");
  CHECK(response_of(sealed(R"({"data": "d"})")).data == "\"d\"");
  CHECK(event_of(replaced(sealed(kEventValue), R"("payload":)", R"( "x":1, "payload" : )")).error ==
        "boom");
}

TEST_CASE("envelope: a broken envelope is refused") {
  const auto envelope = [](std::string_view payload) {
    return verdict("jobs.j", R"({"payload":")" + std::string(payload) + R"(","signature":""})");
  };
  CHECK(envelope("e30=") == "accepted");  // {}
  CHECK(envelope("ICB7fSAg") == "accepted");
  for (const std::string_view payload :
       {"", "e30", "e30==", "e3=0", "=", "====", "e30=e30=", "e31=", "e30\\n=", "e30-", "e 30",
        "e30=\\u0000", "W10=", "bnVsbA==", "e30x", "ew=="}) {
    CAPTURE(payload);
    CHECK(envelope(payload) == "envelope");
  }
  CHECK(verdict("jobs.j", sealed(sealed("{}"))) == "envelope");
  CHECK(verdict("jobs.j", sealed("{} {}")) == "envelope");
  CHECK(verdict("jobs.j", sealed("{\"a\":\"\xFF\"}")) == "envelope");
  CHECK(verdict("jobs.j", sealed(repeated("{\"a\":", 1000))) == "depth");
  CHECK(verdict("jobs.j", sealed(R"({"subject":5})")) == "field");
  CHECK(verdict("jobs.j", sealed(R"({"id":"k"})")) == "mismatch");
}

TEST_CASE("envelope: without both strings it is no envelope") {
  CHECK(verdict("jobs.j", R"({"payload":"!"})") == "accepted");
  CHECK(verdict("jobs.j", R"({"payload":"!","signature":5})") == "accepted");
  CHECK(verdict("jobs.j", R"({"payload":{},"signature":"x"})") == "accepted");
}
