#include "server/nats/login/nkey.h"

#include <doctest/doctest.h>

using bide::public_nkey_of;

namespace {

// The pair in NATS's documentation.
const std::string kSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const std::string kPublic = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

}  // namespace

TEST_CASE("nkey: a user's seed has a public key") { CHECK(public_nkey_of(kSeed) == kPublic); }

TEST_CASE("nkey: a cut, mistyped or longer text is no seed") {
  for (std::size_t length = 0; length < kSeed.size(); ++length) {
    CHECK_FALSE(public_nkey_of(kSeed.substr(0, length)));
  }
  for (std::size_t at = 0; at < kSeed.size(); ++at) {
    std::string mistyped = kSeed;
    mistyped[at] = mistyped[at] == 'A' ? 'B' : 'A';
    INFO(at);
    CHECK_FALSE(public_nkey_of(mistyped));
  }
  CHECK_FALSE(public_nkey_of(kSeed + "A"));
  CHECK_FALSE(public_nkey_of(kSeed + "\n"));
  CHECK_FALSE(public_nkey_of("su" + kSeed.substr(2)));
}

TEST_CASE("nkey: other kinds of keys are no user's seed") {
  CHECK_FALSE(public_nkey_of(kPublic));
  CHECK_FALSE(public_nkey_of("SAANJIBNEKGCRUWJCPIWUXFBFJLR36FJTFKGBGKAT7AQXH2LVFNQWZJMQU"));
}
