// server/http/field_syntax.h: The small words of RFC 9110 section 5.6 that field parsers are made
// of.
//
// Thread safety: pure functions. Views that are returned point into the argument.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bide {

// Without the spaces and tabs around it (OWS, section 5.6.3).
[[nodiscard]] std::string_view trim_ows(std::string_view text);

// Not empty and of tchar only (section 5.6.2).
[[nodiscard]] bool is_token(std::string_view text);

// ASCII letters compare without case; other bytes as they are. Of texts that are equally long.
[[nodiscard]] bool same_ignoring_case(std::string_view left, std::string_view right);
[[nodiscard]] inline bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return left.size() == right.size() && same_ignoring_case(left, right);
}

// The lines of a field, in the order they came, of a request's or response's `headers`. It looks at
// each field, because most of the few that a request has differ in length already.
template <typename Headers>
[[nodiscard]] auto field_lines(const Headers& headers, std::string_view name) {
  const auto is_named = [name](const auto& field) {
    return equals_ignoring_case(field.first, name);
  };
  const auto first = std::find_if(headers.begin(), headers.end(), is_named);
  return std::pair(first, std::find_if_not(first, headers.end(), is_named));
}

// Takes the next part off the front of `rest`, up to `separator` outside of quoted strings,
// trimmed. Empty parts are skipped, as recipients of lists must (section 5.6.1.2). nullopt: nothing
// is left. A quoted string that never ends takes the rest with it; unquote() then refuses the part.
[[nodiscard]] std::optional<std::string_view> next_part(std::string_view& rest, char separator);

// The value of a token or a quoted string (section 5.6.4), escapes undone. nullopt: neither.
[[nodiscard]] std::optional<std::string> unquote(std::string_view word);

// `name = word`, spaces around the sign allowed (BWS). `value` has no data() where there is no
// sign.
struct Parameter {
  std::string_view name;
  std::string_view value;
};
[[nodiscard]] Parameter split_parameter(std::string_view part);

}  // namespace bide
