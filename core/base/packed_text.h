// core/base/packed_text.h: Several short strings in one allocation.
//
// A table of 200,000 jobs holds millions of strings that are written once and seldom read. As
// std::strings each costs 32 bytes and an allocation of its own; packed, an entry's strings cost
// one pointer, one allocation, a count of four bytes, and a byte each.
//
// Copies share the strings, so that a large job can be copied for rendering while its shard's mutex
// is held: copying the bytes of 16 MiB would take milliseconds.
//
// Thread safety: the strings are immutable; copies may be used and destroyed on any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

namespace bide {

class PackedText {
 public:
  // Takes at most kStringsMax strings and keeps their order. Each is stored with a NUL at its end,
  // so a string with a NUL inside is cut there.
  static constexpr std::size_t kStringsMax = 5;
  PackedText() = default;  // No strings, no allocation.
  explicit PackedText(std::initializer_list<std::string_view> strings);
  PackedText(const PackedText& other) noexcept;
  PackedText(PackedText&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)) {}
  PackedText& operator=(PackedText other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PackedText() { reset(); }

  // False if it was default-constructed, moved from or reset: it holds no strings then.
  [[nodiscard]] explicit operator bool() const { return bytes_ != nullptr; }
  void reset() noexcept;

  // `index` must be below the number of packed strings. Walks over all strings before it, so put
  // long ones last.
  [[nodiscard]] std::string_view operator[](std::size_t index) const;

  // Copies bytes that packed() returned. nullopt: they are not `N` strings.
  template <std::size_t N>
  [[nodiscard]] static std::optional<PackedText> of_packed(std::string_view bytes) {
    if (std::count(bytes.begin(), bytes.end(), '\0') != N || bytes.back() != '\0') {
      return std::nullopt;
    }
    return PackedText(Packed{bytes});
  }
  // All of them, each with the NUL at its end. `N` is the number of strings packed.
  template <std::size_t N>
  [[nodiscard]] std::string_view packed() const {
    const std::string_view last = unpack<N>().back();
    return {bytes_, static_cast<std::size_t>(last.data() + last.size() + 1 - bytes_)};
  }
  // All of them in one walk; `N` is the number of strings packed.
  template <std::size_t N>
  [[nodiscard]] std::array<std::string_view, N> unpack() const {
    std::array<std::string_view, N> texts;
    const char* at = bytes_;
    for (std::string_view& text : texts) {
      text = std::string_view(at);
      at += text.size() + 1;
    }
    return texts;
  }

 private:
  struct Packed {
    std::string_view bytes;
  };
  explicit PackedText(Packed packed);

  char* bytes_ = nullptr;  // The first string. The reference count stands before it.
};

}  // namespace bide
