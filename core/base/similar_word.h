// core/base/similar_word.h: Finds the known word that a mistyped one is most similar to.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace bide {

// How many letters must be changed, added, left out or swapped with their neighbour to make one
// word the other, ignoring the case of ASCII (optimal string alignment). Only the first
// kComparedBytesMax bytes are compared, which bounds the work.
inline constexpr std::size_t kComparedBytesMax = 64;
[[nodiscard]] std::size_t typing_distance(std::string_view left, std::string_view right);

// The most similar of `known`. Empty: none is similar enough to be meant.
[[nodiscard]] std::string_view similar_word(std::string_view word,
                                            std::span<const std::string_view> known);

}  // namespace bide
