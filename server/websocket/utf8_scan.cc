#include "server/websocket/utf8_scan.h"

namespace bide {

bool Utf8Scan::accept(std::string_view piece) {
  for (const char c : piece) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (missing_ == 0) {
      if (!accept_lead(byte)) return false;
      continue;
    }
    if (byte < lowest_ || byte > highest_) return false;
    --missing_;
    lowest_ = 0x80;
    highest_ = 0xBF;
  }
  return true;
}

// RFC 3629 section 4, row by row.
bool Utf8Scan::accept_lead(std::uint8_t byte) {
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;
  missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  if (byte == 0xE0) lowest_ = 0xA0;   // Less would be overlong.
  if (byte == 0xED) highest_ = 0x9F;  // More would be a surrogate.
  if (byte == 0xF0) lowest_ = 0x90;   // Less would be overlong.
  if (byte == 0xF4) highest_ = 0x8F;  // More would be above U+10FFFF.
  return true;
}

}  // namespace bide
