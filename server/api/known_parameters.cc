#include "server/api/known_parameters.h"

#include <algorithm>
#include <array>
#include <string>

namespace bide {
namespace {

// Only these first bytes of an unknown name are compared, and repeated to the client. No known name
// is longer.
constexpr std::size_t kNameBytesMax = 32;

char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

// How many letters must be changed, added, left out or swapped with their neighbour to make one
// name the other (optimal string alignment). Both: kNameBytesMax at most.
std::size_t distance(std::string_view left, std::string_view right) {
  using Row = std::array<std::size_t, kNameBytesMax + 1>;
  Row before{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= right.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const bool same = lower(left[i - 1]) == lower(right[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(left[i - 1]) == lower(right[j - 2]) &&
                           lower(left[i - 2]) == lower(right[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[right.size()];
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
  return *std::min_element(known.begin(), known.end(),
                           [name](std::string_view left, std::string_view right) {
                             return distance(name, left) < distance(name, right);
                           });
}

}  // namespace

std::optional<BadQuery> refuse_unknown_parameters(const httplib::Params& params,
                                                  std::span<const std::string_view> known) {
  for (const auto& [name, value] : params) {
    if (name.starts_with('_')) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string shown = name.substr(0, kNameBytesMax);
    std::replace_if(
        shown.begin(), shown.end(), [](char byte) { return byte < 0x20 || byte == 0x7F; }, '?');
    std::string detail = "unknown parameter `" + shown + "`; the nearest known one is `";
    detail.append(nearest(shown, known)).append("`; this resource knows");
    for (const std::string_view one : known) {
      detail.append(one == known.front() ? " " : ", ").append(one);
    }
    return BadQuery{400, std::move(detail)};
  }
  return std::nullopt;
}

}  // namespace bide
