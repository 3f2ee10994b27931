// core/base/utf8_text.h: Reads and checks UTF-8 (RFC 3629), and makes it from any bytes.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bide {

struct Character {
  // Not valid: those that break off, at least one (Unicode 15, section 3.9, "maximal subparts").
  std::size_t bytes = 1;
  char32_t code_point = 0;
  bool valid = false;
};
// The first one. `text` must not be empty.
[[nodiscard]] Character first_character(std::string_view text);

// The text with U+FFFD in place of bytes that are not UTF-8: one for each byte that cannot begin a
// character, and one for a character that breaks off.
[[nodiscard]] std::string as_utf8(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace bide
