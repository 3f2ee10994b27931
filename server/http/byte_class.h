// server/http/byte_class.h: The classes of bytes in HTTP's grammar, as one table.
//
// Not <cctype>: its answers depend on the locale, and a negative char is undefined behaviour there.
//
// Thread safety: constants and pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/ascii.h"

namespace bide {

enum ByteClass : std::uint8_t {
  kTokenByte = 1 << 0,    // tchar, RFC 9110 section 5.6.2: methods, field names, list members.
  kFieldByte = 1 << 1,    // In a field value, section 5.5: visible, SP, HTAB, obs-text.
  kVisibleByte = 1 << 2,  // 0x21-0x7E.
  kDigitByte = 1 << 3,
  kHexByte = 1 << 4,
  kUriByte = 1 << 5,  // unreserved and sub-delims, RFC 3986 section 2: stands for itself anywhere.
  kUnreservedByte = 1 << 6,  // Section 2.3: the same with and without a percent escape.
};

namespace detail {

constexpr std::array<std::uint8_t, 256> classify_bytes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&classes](std::string_view bytes, int byte_class) {
    for (const char byte : bytes) classes[static_cast<unsigned char>(byte)] |= byte_class;
  };
  for (unsigned byte = 0x21; byte <= 0x7E; ++byte) classes[byte] |= kVisibleByte | kFieldByte;
  for (unsigned byte = 0x80; byte <= 0xFF; ++byte) classes[byte] |= kFieldByte;
  add(" \t", kFieldByte);
  add("0123456789", kDigitByte | kHexByte | kTokenByte | kUriByte | kUnreservedByte);
  add("abcdefABCDEF", kHexByte);
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
      kTokenByte | kUriByte | kUnreservedByte);
  add("!#$%&'*+-.^_`|~", kTokenByte);
  add("-._~!$&'()*+,;=", kUriByte);
  add("-._~", kUnreservedByte);
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kByteClasses = classify_bytes();

}  // namespace detail

[[nodiscard]] constexpr bool is(char byte, ByteClass byte_class) {
  return (detail::kByteClasses[static_cast<unsigned char>(byte)] & byte_class) != 0;
}

// How many bytes at the front of `text` are of the class.
[[nodiscard]] constexpr std::size_t run_of(std::string_view text, ByteClass byte_class) {
  std::size_t length = 0;
  while (length < text.size() && is(text[length], byte_class)) ++length;
  return length;
}

}  // namespace bide
