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

// Calls `use(name, value)` for each preference, without its parameters, until it returns true.
template <typename Use>
void for_each_preference(const http::Headers& headers, Use&& use) {
  constexpr std::string_view kPrefer = "Prefer";
  const auto [first, last] = field_lines(headers, kPrefer);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (auto preference = next_part(rest, ',')) {
      const auto part = next_part(*preference, ';');
      if (!part) continue;
      const Parameter parameter = split_parameter(*part);
      const auto value = unquote(parameter.value);
      if (value && use(parameter.name, *value)) return;
    }
  }
}

}  // namespace

std::optional<std::chrono::seconds> preferred_wait(const http::Headers& headers) {
  std::optional<std::chrono::seconds> wait;
  for_each_preference(headers, [&](std::string_view name, const std::string& value) {
    if (equals_ignoring_case(name, "wait")) wait = parse_delta(value);
    return wait.has_value();
  });
  return wait;
}

bool prefers_minimal(const http::Headers& headers) {
  bool minimal = false;
  for_each_preference(headers, [&](std::string_view name, const std::string& value) {
    if (!equals_ignoring_case(name, "return")) return false;
    minimal = equals_ignoring_case(value, "minimal");
    return true;
  });
  return minimal;
}

}  // namespace bide
