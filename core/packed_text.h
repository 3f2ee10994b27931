// core/packed_text.h: Several short strings in one allocation.
//
// A table of 200,000 jobs holds millions of strings that are written once and seldom read. As
// std::strings each costs 32 bytes and an allocation of its own; packed, an entry's strings cost
// one pointer, one allocation and a byte each.
//
// Thread safety: immutable once built.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace bide {

class PackedText {
 public:
  // The strings are kept in order, each ended by NUL; one with a NUL inside is kept up to that.
  explicit PackedText(std::initializer_list<std::string_view> strings);

  // `index` below the number of strings packed. Walks over those before it: put the long ones last.
  [[nodiscard]] std::string_view operator[](std::size_t index) const;

  // All of them in one walk; `N` is the number of strings packed.
  template <std::size_t N>
  [[nodiscard]] std::array<std::string_view, N> unpack() const {
    std::array<std::string_view, N> texts;
    const char* at = bytes_.get();
    for (std::string_view& text : texts) {
      text = std::string_view(at);
      at += text.size() + 1;
    }
    return texts;
  }

 private:
  std::unique_ptr<char[]> bytes_;
};

}  // namespace bide
