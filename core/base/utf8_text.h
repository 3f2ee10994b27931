// core/base/utf8_text.h: Makes valid UTF-8 (RFC 3629) from any bytes.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace bide {

// The text with U+FFFD in place of bytes that are not UTF-8: one for each byte that cannot begin a
// character, and one for a character that breaks off (Unicode 15, section 3.9, "maximal subparts").
[[nodiscard]] std::string as_utf8(std::string_view text);

}  // namespace bide
