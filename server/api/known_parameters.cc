#include "server/api/known_parameters.h"

#include <algorithm>
#include <string>

#include "core/base/similar_word.h"

namespace bide {
namespace {

// Only these first bytes of an unknown name are compared, and repeated to the client. No known name
// is longer.
constexpr std::size_t kNameBytesMax = 32;

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
  return *std::min_element(known.begin(), known.end(),
                           [name](std::string_view left, std::string_view right) {
                             return typing_distance(name, left) < typing_distance(name, right);
                           });
}

}  // namespace

std::optional<BadQuery> refuse_unknown_parameters(const http::Params& params,
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
