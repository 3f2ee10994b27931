// core/base/byte_words.h: Looks at eight bytes of a text at a time.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <cstring>

namespace bide {

using ByteWord = std::uint64_t;
inline constexpr ByteWord kOneInEachByte = 0x0101010101010101;

// The eight bytes at `at`.
[[nodiscard]] inline ByteWord load_word(const char* at) {
  ByteWord word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Not 0 if any byte of `word` is below `limit` (at most 0x80); 0 if none is.
[[nodiscard]] constexpr ByteWord any_below(ByteWord word, ByteWord limit) {
  return (word - kOneInEachByte * limit) & ~word & kOneInEachByte << 7U;
}
[[nodiscard]] constexpr ByteWord any_equal(ByteWord word, char byte) {
  return any_below(word ^ (kOneInEachByte * static_cast<unsigned char>(byte)), 1);
}

}  // namespace bide
