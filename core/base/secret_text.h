// core/base/secret_text.h: What counts of a file that somebody wrote a secret into, with whatever
// editor or system they have.
//
// Thread safety: pure functions.
#pragma once

#include <string_view>

namespace bide {

// Editors of another system put a UTF-8 byte order mark in front of text.
[[nodiscard]] inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

// A file that holds one secret: neither the mark nor one line end behind it, LF or CRLF, is part of
// the secret. Everything else is, blanks and further line ends included.
[[nodiscard]] inline std::string_view secret_in(std::string_view text) {
  text = without_byte_order_mark(text);
  if (!text.ends_with('\n')) return text;
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace bide
