#include "core/base/timestamp.h"

#include <algorithm>

#include "core/base/ascii.h"

namespace bide {
namespace {

// `0` in the shape stands for any digit, every other character for itself.
bool take_shape(std::string_view& text, std::string_view shape) {
  const auto fits = [](char wanted, char c) { return wanted == '0' ? is_digit(c) : wanted == c; };
  if (text.size() < shape.size()) return false;
  if (!std::equal(shape.begin(), shape.end(), text.begin(), fits)) return false;
  text.remove_prefix(shape.size());
  return true;
}

}  // namespace

TimestampShape shape_of_timestamp(std::string_view text) {
  if (!take_shape(text, "0000-00-00")) return TimestampShape::kNone;
  if (!take_shape(text, "T") && !take_shape(text, "t")) return TimestampShape::kNone;
  if (!take_shape(text, "00:00:00")) return TimestampShape::kNone;
  if (take_shape(text, ".")) {
    if (!take_shape(text, "0")) return TimestampShape::kNone;
    while (take_shape(text, "0")) {
    }
  }
  if (text.empty()) return TimestampShape::kWithoutZone;
  const bool zoned = text == "Z" || text == "z" ||
                     ((take_shape(text, "+00:00") || take_shape(text, "-00:00")) && text.empty());
  return zoned ? TimestampShape::kZoned : TimestampShape::kNone;
}

std::string with_zone(std::string timestamp) {
  // Most end with `Z`, and need no change.
  if (!timestamp.empty() && is_digit(timestamp.back()) &&
      shape_of_timestamp(timestamp) == TimestampShape::kWithoutZone) {
    timestamp += 'Z';
  }
  return timestamp;
}

}  // namespace bide
