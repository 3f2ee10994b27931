// tests/fuzz/fuzz_input.h: What the fuzz targets share: a demand that ends the process, and input
// cut in ways that the input itself decides.
//
// Text is cut by lines and blank lines, so that seeds can be read and written by people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

namespace bide::fuzz {

// libFuzzer takes the abort for a finding, keeps the input and shows the way here.
inline void demand(bool holds, const char* fact) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", fact);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What comes before `separator`, and off `rest` with both; all of it if there is none.
inline std::string_view take_until(std::string_view& rest, std::string_view separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + separator.size());
  return part;
}

inline std::vector<std::string_view> bytewise(std::string_view whole) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < whole.size(); ++i) pieces.push_back(whole.substr(i, 1));
  return pieces;
}

// In pieces of lengths that follow from `seed`: most of them short, a few long.
inline std::vector<std::string_view> cut(std::string_view whole, std::uint8_t seed) {
  std::vector<std::string_view> pieces;
  std::uint32_t state = seed;
  while (!whole.empty()) {
    state = state * 1'664'525 + 1'013'904'223;
    const std::uint32_t length = 1 + (state >> 24U) % (state >> 16U & 7U ? 17 : 300);
    pieces.push_back(whole.substr(0, length));
    whole.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace bide::fuzz
