#include "core/base/printable.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

TEST_CASE("printable: characters that move, hide or reorder are replaced, others stay") {
  CHECK(printable("plain, \"quoted\", gr\u00fcn, \u4f60\u597d, \U0001F600", "?") ==
        "plain, \"quoted\", gr\u00fcn, \u4f60\u597d, \U0001F600");
  CHECK(printable("a\x1b[2Jb\nc\x7f", "?") == "a?[2Jb?c?");
  CHECK(printable("\u0080\u009b31m\u009f\u00a0", "?") == "??31m?\u00a0");
  CHECK(printable("\u2028\u2029\u2027", "?") == "??\u2027");
  CHECK(printable("\u202a\u202b\u202c\u202d\u202e\u202f", "?") == "?????\u202f");
  CHECK(printable("\u2066\u2067\u2068\u2069\u200d", "?") == "????\u200d");
  CHECK(printable("\u200e\u200f\u061c\u061b", "?") == "???\u061b");
  CHECK(printable(std::string_view("\0", 1), "?") == "?");
}

TEST_CASE("printable: a byte that is not UTF-8 is replaced, and only that") {
  CHECK(printable("caf\xe9", "?") == "caf?");
  CHECK(printable("\x9b"
                  "31m",
                  "?") == "?31m");
  CHECK(printable("\xc2", "?") == "?");
  CHECK(printable("\xe2\x82|", "?") == "??|");          // Cut.
  CHECK(printable("\xc0\x9b", "?") == "??");            // Overlong.
  CHECK(printable("\xe0\x82\x9b", "?") == "???");       // Overlong.
  CHECK(printable("\xed\xa0\x80", "?") == "???");       // A surrogate.
  CHECK(printable("\xf0\x80\x82\x9b", "?") == "????");  // Overlong.
  CHECK(printable("\xf4\x90\x80\x80", "?") == "????");  // Beyond U+10FFFF.
  CHECK(printable("\xff\xfe", "?") == "??");
}
