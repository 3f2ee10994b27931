#include "client/digest.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

TEST_CASE("digest: agents are counted, and those that are done among them") {
  const Digest digest =
      digest_of(R"({"id":"x","error":"no space","agent_states":{"a":{"status":"completed"},)"
                R"("b":{"status":"failed"},"c":{"status":"skipped"},"d":{"status":"started"},)"
                R"("e":{"status":"retried"},"f":{}}})");
  CHECK(digest.agents_seen == 6);
  CHECK(digest.agents_done == 4);
  CHECK(digest.error == "no space");
}

TEST_CASE("digest: what is not a representation says nothing") {
  for (const char* text : {"", "completed\n", "[]", "7", "{", R"({"agent_states":[1]})",
                           R"({"agent_states":{"a":7},"error":7})", "{\"error\":\"\xff\"}"}) {
    CAPTURE(text);
    CHECK(digest_of(text).agents_seen == 0);
    CHECK(digest_of(text).error.empty());
  }
}

// RapidJSON's conversion to a double reads outside its table for the first of these.
TEST_CASE("digest: a job is read whatever numbers its worker wrote") {
  for (const std::string number : {"0.0000000000000e-2147483639", "-0.0000000000000e-2147483639",
                                   "1e-2147483648", "1e309", "-1e999999999", "0e999999999"}) {
    CAPTURE(number);
    const Digest digest =
        digest_of(R"({"error":"e","operation":{"n":)" + number + R"(},"result":[)" + number +
                  R"(],"agent_states":{"a":{"status":"failed"}}})");
    CHECK(digest.error == "e");
    CHECK(digest.agents_done == 1);
  }
}

TEST_CASE("digest: names of agents may look like JSON") {
  const Digest digest = digest_of(
      R"( {"agent_states" : { "a\":{,\\" : {"status":"completed"} , "]}":{"x":["}"]},"":{} } } )");
  CHECK(digest.agents_seen == 3);
  CHECK(digest.agents_done == 1);
}

TEST_CASE("digest: deep nesting does not overflow the stack") {
  const std::string deep =
      R"({"operation":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  CHECK(digest_of(deep).agents_seen == 0);
  const std::string allowed = R"({"responses":{"a":{"data":)" + std::string(63, '[') +
                              std::string(63, ']') + R"(}},"agent_states":{"a":{}}})";
  CHECK(digest_of(allowed).agents_seen == 1);
}
