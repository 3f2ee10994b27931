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

TEST_CASE("digest: deep nesting does not overflow the stack") {
  const std::string deep =
      R"({"operation":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  CHECK(digest_of(deep).agents_seen == 0);
}
