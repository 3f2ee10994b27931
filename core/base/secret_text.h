// core/base/secret_text.h: The secret in a file, without what an editor or another system may have
// added.
//
// Thread safety: pure functions.
#pragma once

#include <string_view>

namespace bide {

// Some editors put a UTF-8 byte order mark in front of text.
[[nodiscard]] inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

// The secret in a file that holds one. The mark and one line end (LF or CRLF) at the end are not
// part of it; blanks and further line ends are.
[[nodiscard]] inline std::string_view secret_in(std::string_view text) {
  text = without_byte_order_mark(text);
  if (!text.ends_with('\n')) return text;
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace bide
