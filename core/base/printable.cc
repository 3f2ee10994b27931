#include "core/base/printable.h"

#include "core/base/utf8_text.h"

namespace bide {

bool is_printable(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool line_end = c == 0x2028 || c == 0x2029;
  const bool direction = c == 0x061C || c == 0x200E || c == 0x200F ||
                         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return !control && !line_end && !direction;
}

std::string printable(std::string_view text, std::string_view instead) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Character first = first_character(text);
    const bool good = first.valid && is_printable(first.code_point);
    shown += good ? text.substr(0, first.bytes) : instead;
    text.remove_prefix(first.valid ? first.bytes : 1);
  }
  return shown;
}

}  // namespace bide
