// server/http/refusal.h: Why the parser refuses a request. The connection is closed after the
// answer, because it is not known where the next request begins.
//
// Thread safety: immutable value.
#pragma once

namespace bide {

struct [[nodiscard]] Refusal {
  int status = 0;           // The HTTP status; 0: not refused.
  const char* detail = "";  // Static text for the client, free of the client's own bytes.
  explicit operator bool() const { return status != 0; }
};

// 400 for a byte that may not stand where it stands. Line ends and control bytes are named, because
// requests are smuggled with them; for any other byte the detail is `otherwise`.
[[nodiscard]] constexpr Refusal bad_byte(char byte, const char* otherwise) {
  switch (byte) {
    case '\r':
      return {400, "CR out of place"};
    case '\n':
      return {400, "LF without a CR before it"};
    case '\0':
      return {400, "NUL byte"};
    default:
      break;
  }
  const auto value = static_cast<unsigned char>(byte);
  if ((value < 0x20 && byte != '\t') || value == 0x7F) return {400, "control byte"};
  return {400, otherwise};
}

inline constexpr Refusal kBareCr = {400, "CR without an LF after it"};

}  // namespace bide
