#include "core/base/similar_word.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace bide;

TEST_CASE("similar_word: a letter changed, added, left out or swapped is one step") {
  CHECK(typing_distance("wait", "wait") == 0);
  CHECK(typing_distance("wait", "Wait") == 0);
  CHECK(typing_distance("wait", "wit") == 1);
  CHECK(typing_distance("wait", "waiit") == 1);
  CHECK(typing_distance("wait", "want") == 1);
  CHECK(typing_distance("wait", "wiat") == 1);
  CHECK(typing_distance("", "wait") == 4);
  CHECK(typing_distance("wait", "") == 4);
  CHECK(typing_distance(std::string(1000, 'a'), std::string(999, 'b')) == kComparedBytesMax);
}

TEST_CASE("similar_word: the nearest one is meant, if any is near enough") {
  constexpr std::array<std::string_view, 4> kWords = {"get", "run", "serve", "completion"};
  CHECK(similar_word("srve", kWords) == "serve");
  CHECK(similar_word("completoin", kWords) == "completion");
  CHECK(similar_word("rnu", kWords) == "run");
  CHECK(similar_word("put", kWords).empty());  // Two of three letters are other ones.
  CHECK(similar_word("delete", kWords).empty());
  CHECK(similar_word(std::string(1000, 's'), kWords).empty());
  CHECK(similar_word("", kWords).empty());
}
