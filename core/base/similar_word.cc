#include "core/base/similar_word.h"

#include <algorithm>
#include <array>

#include "core/base/ascii.h"

namespace bide {

std::size_t typing_distance(std::string_view left, std::string_view right) {
  using Row = std::array<std::size_t, kComparedBytesMax + 1>;
  left = left.substr(0, kComparedBytesMax);
  right = right.substr(0, kComparedBytesMax);
  Row before{};
  Row last{};
  Row row{};
  const auto same = [&](std::size_t i, std::size_t j) {
    return lower_case(left[i - 1]) == lower_case(right[j - 1]);
  };
  for (std::size_t j = 0; j <= right.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(i, j) ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[right.size()];
}

std::string_view similar_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view found;
  std::size_t least = 3;  // Words with three or more changes are not similar.
  if (word.size() > kComparedBytesMax) return found;
  for (const std::string_view one : known) {
    const std::size_t changes = typing_distance(word, one);
    // In a short word, more than half of the letters must be right.
    if (changes >= least || changes * 2 >= one.size()) continue;
    least = changes;
    found = one;
  }
  return found;
}

}  // namespace bide
