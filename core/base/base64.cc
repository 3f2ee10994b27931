#include "core/base/base64.h"

#include <array>
#include <cstdint>

namespace bide {
namespace {

constexpr std::uint8_t kNotADigit = 0xFF;
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

using Values = std::array<std::uint8_t, 256>;

constexpr Values make_values(std::string_view alphabet) {
  Values values{};
  values.fill(kNotADigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr Values kStandardValues = make_values(kStandard);
constexpr Values kUrlSafeValues = make_values(kUrlSafe);
constexpr Values kBase32Values = make_values(kBase32);

// Allocates once, so that a secret leaves no copies.
std::optional<std::string> decode_digits(std::string_view text, const Values& values,
                                         unsigned digit_bits) {
  std::string out;
  out.reserve(text.size() * digit_bits / 8);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNotADigit) return std::nullopt;
    bits = bits << digit_bits | value;
    count += digit_bits;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFFU);
  }
  const std::uint32_t stray = bits & ((1U << count) - 1);
  if (count >= digit_bits || stray != 0) return std::nullopt;
  return out;
}

std::string encode_digits(std::string_view bytes, std::string_view alphabet, unsigned digit_bits) {
  const std::uint32_t mask = (1U << digit_bits) - 1;
  std::string out;
  out.reserve((bytes.size() * 8 + digit_bits - 1) / digit_bits);
  std::uint32_t bits = 0;
  unsigned count = 0;
  const auto append_digits = [&] {
    for (; count >= digit_bits; count -= digit_bits) {
      out += alphabet[bits >> (count - digit_bits) & mask];
    }
  };
  for (const char byte : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(byte);
    count += 8;
    append_digits();
  }
  if (count > 0) {
    bits <<= digit_bits - count;
    count = digit_bits;
    append_digits();
  }
  return out;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  return decode_digits(text, kStandardValues, 6);
}

std::string encode_base64(std::string_view bytes) {
  std::string out = encode_digits(bytes, kStandard, 6);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  return decode_digits(text, kUrlSafeValues, 6);
}

std::string encode_base64url(std::string_view bytes) { return encode_digits(bytes, kUrlSafe, 6); }

std::optional<std::string> decode_base32(std::string_view text) {
  return decode_digits(text, kBase32Values, 5);
}

std::string encode_base32(std::string_view bytes) { return encode_digits(bytes, kBase32, 5); }

}  // namespace bide
