#include "server/auth/verified_tokens.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

TEST_CASE("verified tokens: one more than fit, and only the newest is remembered") {
  const KeyedDigest digest = KeyedDigest::random();
  const auto token = [&](std::size_t number) { return digest.of(std::to_string(number)); };
  VerifiedTokens tokens;
  for (std::size_t i = 0; i < VerifiedTokens::kTokensMax; ++i) {
    tokens.insert(token(i), {.client = i, .reads_jobs = true});
    tokens.insert(token(i), {.client = i, .reads_jobs = true});
  }
  const std::size_t last = VerifiedTokens::kTokensMax - 1;
  REQUIRE(tokens.find(token(0)));
  REQUIRE(tokens.find(token(last)));
  CHECK(tokens.find(token(last))->client == last);
  CHECK(tokens.find(token(last))->reads_jobs);
  CHECK_FALSE(tokens.find(token(last + 1)));

  tokens.insert(token(last + 1), {.client = last + 1});
  CHECK_FALSE(tokens.find(token(0)));
  CHECK_FALSE(tokens.find(token(last)));
  REQUIRE(tokens.find(token(last + 1)));
  CHECK(tokens.find(token(last + 1))->client == last + 1);
}
