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

std::optional<std::string> decode_digits(std::string_view text, const Values& values) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNotADigit) return std::nullopt;
    bits = bits << 6U | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFFU);
  }
  const std::uint32_t stray = bits & ((1U << count) - 1);
  if (stray != 0) return std::nullopt;
  return out;
}

std::string encode_digits(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  const auto append_digits = [&] {
    for (; count >= 6; count -= 6) out += alphabet[bits >> (count - 6) & 0x3FU];
  };
  for (const char byte : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(byte);
    count += 8;
    append_digits();
  }
  if (count > 0) {
    bits <<= 6 - count;
    count = 6;
    append_digits();
  }
  return out;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  return decode_digits(text, kStandardValues);
}

std::string encode_base64(std::string_view bytes) {
  std::string out = encode_digits(bytes, kStandard);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  return decode_digits(text, kUrlSafeValues);
}

std::string encode_base64url(std::string_view bytes) { return encode_digits(bytes, kUrlSafe); }

}  // namespace bide
