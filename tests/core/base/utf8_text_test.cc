#include "core/base/utf8_text.h"

#include <doctest/doctest.h>

using namespace bide;

TEST_CASE("utf8_text: UTF-8 is left as it is") {
  for (const std::string_view text :
       {std::string_view(), std::string_view("caf\xC3\xA9"), std::string_view("\xED\x9F\xBF"),
        std::string_view("\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"),
        std::string_view("a\0b\x7F", 4)}) {
    CHECK(as_utf8(text) == text);
  }
}

TEST_CASE("utf8_text: what is not UTF-8 becomes U+FFFD, and all around it stays") {
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(as_utf8("caf\xE9") == "caf" + mark);
  CHECK(as_utf8("\xE9t\xE9\xE9") == mark + "t" + mark + mark);
  CHECK(as_utf8("\x80\xBF") == mark + mark);
  CHECK(as_utf8("\xC0\xAF") == mark + mark);
  CHECK(as_utf8("\xF0\x9F\x98|\xF0\x9F\x98") == mark + "|" + mark);  // Cut.
  CHECK(as_utf8("\xED\xA0\x80") == mark + mark + mark);              // A surrogate.
  CHECK(as_utf8("\xE0\x80\xAF") == mark + mark + mark);              // Overlong.
  CHECK(as_utf8("\xF4\x90\x80\x80\xFF") == mark + mark + mark + mark + mark);
  CHECK(as_utf8("\xC3\x28") == mark + "(");
}
