// core/base/byte_reader.h: Numbers and texts as bytes, for what bide keeps on disk.
//
// Numbers take seven bits a byte, the lowest first, and the eighth bit says that more follow. Fixed
// numbers take eight bytes, the lowest first. A text is its size and its bytes.
//
// Thread safety: none; values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bide {

inline void append_number(std::string& out, std::uint64_t number) {
  for (; number > 0x7f; number >>= 7U) out += static_cast<char>(number | 0x80U);
  out += static_cast<char>(number);
}

inline void append_fixed(std::string& out, std::uint64_t number) {
  char bytes[8];
  for (char& byte : bytes) {
    byte = static_cast<char>(number);
    number >>= 8U;
  }
  out.append(bytes, sizeof bytes);
}

inline void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out += text;
}

// Reads what the functions above wrote. It does not trust the bytes: at the first one that cannot
// be right it has failed, and every further result is 0 or empty. So the caller may check once, at
// the end.
class ByteReader {
 public:
  // `bytes` must outlive the reader and the texts that it returns.
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::uint64_t number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = this->byte();
      number |= (byte & 0x7fU) << shift;
      if ((byte & 0x80U) != 0) continue;
      // A number has one spelling, and fits.
      if ((shift > 0 && byte == 0) || (shift == 63 && byte > 1)) break;
      return number;
    }
    return fail();
  }
  [[nodiscard]] std::uint64_t fixed() {
    const std::string_view bytes = take(8);
    std::uint64_t number = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) {
      number = number << 8U | static_cast<unsigned char>(bytes[i - 1]);
    }
    return number;
  }
  [[nodiscard]] std::string_view text() { return take(number()); }
  [[nodiscard]] std::uint8_t byte() {
    const std::string_view byte = take(1);
    return byte.empty() ? 0 : static_cast<std::uint8_t>(byte.front());
  }

  // For the caller, which knows more about the values.
  std::uint64_t fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace bide
