// server/websocket/utf8_scan.h: Whether bytes that come in pieces are UTF-8 (RFC 3629): no overlong
// forms, no surrogates, nothing above U+10FFFF. A piece may end within a character.
//
// Thread safety: none needed; a scan belongs to one text.
#pragma once

#include <cstdint>
#include <string_view>

namespace bide {

class Utf8Scan {
 public:
  // False with the first byte that no continuation can make valid. The scan must not be used after
  // that.
  [[nodiscard]] bool accept(std::string_view piece);
  // The text may end here: not within a character.
  [[nodiscard]] bool complete() const { return missing_ == 0; }

 private:
  [[nodiscard]] bool accept_lead(std::uint8_t byte);

  std::uint8_t missing_ = 0;  // Bytes that this character still needs.
  // The range of the next byte. Only the byte after the lead may have a narrower one.
  std::uint8_t lowest_ = 0x80;
  std::uint8_t highest_ = 0xBF;
};

}  // namespace bide
