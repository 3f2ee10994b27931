#include "core/base64.h"

#include <array>
#include <cstdint>

namespace bide {
namespace {

constexpr std::uint8_t kNotADigit = 0xFF;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotADigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);

  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
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

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  const auto append_digits = [&] {
    for (; count >= 6; count -= 6) out += kAlphabet[bits >> (count - 6) & 0x3FU];
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
  while (out.size() % 4 != 0) out += '=';
  return out;
}

}  // namespace bide
