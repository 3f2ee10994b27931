#include "server/auth/keyed_digest.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace bide;

namespace {

std::string hex(const KeyedDigest::Value& value) {
  std::string text;
  for (const unsigned char byte : value) {
    for (const int shift : {4, 0}) text += "0123456789abcdef"[byte >> shift & 15];
  }
  return text;
}

}  // namespace

// RFC 4231 sections 4.2 and 4.3, alternating, because a thread keeps the state of its last key.
TEST_CASE("keyed digest: as the RFC has it, again and again, whichever key was used before") {
  const KeyedDigest one(std::string(20, '\x0b'));
  const KeyedDigest other("Jefe");
  const std::string_view of_one =
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
  const std::string_view of_other =
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  for (int turn = 0; turn < 2; ++turn) {
    CHECK(hex(one.of("Hi There")) == of_one);
    CHECK(hex(one.of("Hi There")) == of_one);
    CHECK(hex(other.of("what do ya want for nothing?")) == of_other);
  }
}

TEST_CASE("keyed digest: a key that is made where another one was is not taken for it") {
  std::string last;
  for (int i = 0; i < 10; ++i) {
    const std::string digest = hex(KeyedDigest::random().of("token"));
    CHECK(digest != last);
    last = digest;
  }
}
