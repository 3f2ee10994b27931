#include "core/timestamp.h"

#include <algorithm>

namespace bide {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `0` in the shape stands for any digit, every other character for itself.
bool take_shape(std::string_view& text, std::string_view shape) {
  const auto fits = [](char wanted, char c) { return wanted == '0' ? is_digit(c) : wanted == c; };
  if (text.size() < shape.size()) return false;
  if (!std::equal(shape.begin(), shape.end(), text.begin(), fits)) return false;
  text.remove_prefix(shape.size());
  return true;
}

}  // namespace

bool is_timestamp(std::string_view text) {
  if (!take_shape(text, "0000-00-00")) return false;
  if (!take_shape(text, "T") && !take_shape(text, "t")) return false;
  if (!take_shape(text, "00:00:00")) return false;
  if (take_shape(text, ".")) {
    if (!take_shape(text, "0")) return false;
    while (take_shape(text, "0")) {
    }
  }
  if (text == "Z" || text == "z") return true;
  return (take_shape(text, "+00:00") || take_shape(text, "-00:00")) && text.empty();
}

}  // namespace bide
