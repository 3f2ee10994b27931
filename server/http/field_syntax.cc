#include "server/http/field_syntax.h"

#include <algorithm>

#include "core/base/ascii.h"
#include "server/http/byte_class.h"

namespace bide {
namespace {

// Where the part at the front of `text` ends.
std::size_t find_separator(std::string_view text, char separator) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (quoted && text[i] == '\\') {
      ++i;  // An escaped byte ends nothing.
    } else if (!quoted && text[i] == separator) {
      return i;
    }
  }
  return text.size();
}

}  // namespace

std::string_view trim_ows(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_token(std::string_view text) {
  return !text.empty() && run_of(text, kTokenByte) == text.size();
}

// Most equal strings are equal byte by byte.
bool same_ignoring_case(std::string_view left, std::string_view right) {
  return left == right || std::equal(left.begin(), left.end(), right.begin(),
                                     [](char a, char b) { return lower_case(a) == lower_case(b); });
}

std::optional<std::string_view> next_part(std::string_view& rest, char separator) {
  while (!rest.empty()) {
    const std::size_t end = find_separator(rest, separator);
    const std::string_view part = trim_ows(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!part.empty()) return part;
  }
  return std::nullopt;
}

std::optional<std::string> unquote(std::string_view word) {
  if (is_token(word)) return std::string(word);
  if (word.size() < 2 || word.front() != '"' || word.back() != '"') return std::nullopt;
  word = word.substr(1, word.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '"') return std::nullopt;
    if (word[i] == '\\' && ++i == word.size()) return std::nullopt;  // The end quote was escaped.
    if (!is(word[i], kFieldByte)) return std::nullopt;
    text.push_back(word[i]);
  }
  return text;
}

Parameter split_parameter(std::string_view part) {
  const std::size_t sign = part.find('=');
  if (sign == std::string_view::npos) return {trim_ows(part), {}};
  const std::string_view value = trim_ows(part.substr(sign + 1));
  // An empty value still has a place, so that `a=` and `a` can be told apart.
  return {trim_ows(part.substr(0, sign)), value.empty() ? part.substr(sign + 1, 0) : value};
}

}  // namespace bide
