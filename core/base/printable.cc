#include "core/base/printable.h"

#include <algorithm>

namespace bide {
namespace {

// 0: no sequence begins with this byte.
std::size_t length_by_lead(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

// Overlong forms, surrogates, and what lies beyond U+10FFFF.
bool is_well_formed(char32_t code_point, std::size_t bytes) {
  if (bytes == 3) return code_point >= 0x800 && (code_point < 0xD800 || code_point > 0xDFFF);
  return bytes != 4 || (code_point >= 0x1'0000 && code_point <= 0x10'FFFF);
}

}  // namespace

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = length_by_lead(lead);
  if (bytes == 0 || bytes > text.size()) return {};
  char32_t code_point = bytes == 1 ? lead : lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    code_point = code_point << 6 | (byte & 0x3FU);
  }
  if (!is_well_formed(code_point, bytes)) return {};
  return {bytes, code_point, true};
}

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
    text.remove_prefix(first.bytes);
  }
  return shown;
}

}  // namespace bide
