#include "server/http/prefer.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/duration.h"
#include "server/http/byte_class.h"
#include "server/http/field_syntax.h"

namespace bide {
namespace {

// delta-seconds, RFC 9111 section 1.2.2: any number of decimal digits.
std::optional<std::chrono::seconds> parse_delta(std::string_view digits) {
  constexpr auto kMost = std::chrono::duration_cast<std::chrono::seconds>(kDurationMax).count();
  if (digits.empty() || run_of(digits, kDigitByte) != digits.size()) return std::nullopt;
  std::chrono::seconds::rep seconds = 0;
  for (const char digit : digits) seconds = std::min(seconds * 10 + (digit - '0'), kMost);
  return std::chrono::seconds(seconds);
}

// `preference` is one member of the list, parameters and all.
std::optional<std::chrono::seconds> parse_wait(std::string_view preference) {
  const auto first = next_part(preference, ';');
  if (!first) return std::nullopt;
  const Parameter parameter = split_parameter(*first);
  if (!equals_ignoring_case(parameter.name, "wait")) return std::nullopt;
  const auto value = unquote(parameter.value);
  return value ? parse_delta(*value) : std::nullopt;
}

}  // namespace

std::optional<std::chrono::seconds> preferred_wait(const httplib::Headers& headers) {
  constexpr std::string_view kPrefer = "Prefer";
  const auto [first, last] = field_lines(headers, kPrefer);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (const auto preference = next_part(rest, ',')) {
      if (const auto wait = parse_wait(*preference)) return wait;
    }
  }
  return std::nullopt;
}

}  // namespace bide
