#include "server/websocket/utf8_scan.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace bide {
namespace {

// U+0000 to U+1FFFFF by the bit pattern alone, surrogates too.
std::string pattern_of(std::uint32_t code_point) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  const auto tail = [&](unsigned shift) { return byte(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xC0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {byte(0xE0 | code_point >> 12), tail(6), tail(0)};
  return {byte(0xF0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

bool is_utf8(std::string_view text) {
  Utf8Scan scan;
  return scan.accept(text) && scan.complete();
}

bool is_utf8_bytewise(std::string_view text) {
  Utf8Scan scan;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!scan.accept(text.substr(i, 1))) return false;
  }
  return scan.complete();
}

}  // namespace

TEST_CASE("utf8_scan: every code point but surrogates, and nothing above U+10FFFF") {
  int wrong = 0;
  for (std::uint32_t point = 0; point < 0x200000; ++point) {
    const bool is_character = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    const std::string text = pattern_of(point) + "x";
    wrong += is_utf8(text) != is_character || is_utf8_bytewise(text) != is_character ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("utf8_scan: overlong forms, stray and missing continuations, bytes that never occur") {
  for (const char* text : {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF",
                           "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\x80", "a\xBF", "\xC3", "\xC3x",
                           "\xE2\x82", "\xE2\x82x", "\xF0\x9F\x92", "\xC3\xA9\xA9", "\xC3\xC3\xA9",
                           "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80", "\xFE", "\xFF"}) {
    CAPTURE(text);
    CHECK_FALSE(is_utf8(text));
    CHECK_FALSE(is_utf8_bytewise(text));
  }
}

TEST_CASE("utf8_scan: a bad character is refused with the byte that makes it so") {
  Utf8Scan scan;
  CHECK(scan.accept("\xED"));
  CHECK_FALSE(scan.complete());
  CHECK_FALSE(scan.accept("\xA0"));  // U+D800 and on, whatever follows.
}

TEST_CASE("utf8_scan: the narrowed byte is the second only") {
  CHECK(is_utf8("\xE0\xA0\x80\xE1\x80\x80"));
  CHECK(is_utf8("\xF4\x8F\xBF\xBF\xF1\xBF\xBF\xBF"));
}

}  // namespace bide
