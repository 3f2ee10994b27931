#include "server/http/request_fields.h"

#include <algorithm>
#include <array>

#include "server/http/field_syntax.h"

namespace bide {

bool is_kept(std::string_view name) {
  const auto is = [name](std::string_view other) { return equals_ignoring_case(name, other); };
  switch (name.size()) {
    case 3:
      return is("Via");
    case 6:
      return is("Accept") || is("Prefer") || is("Cookie") || is("Origin");
    case 10:
      return is("Connection");
    case 7:
      return is("Upgrade");
    case 8:
      return is("If-Match");
    case 9:
      return is("Forwarded");
    case 12:
      return is("Content-Type");
    case 13:
      return is("If-None-Match") || is("Cache-Control") || is("Last-Event-ID") ||
             is("Authorization");
    case 14:
      return is("Sec-Fetch-Site");
    case 15:
      return is("X-Forwarded-For") || is("Idempotency-Key");
    case 29:
      return is("Access-Control-Request-Method");
    default:
      return false;
  }
}

bool is_kept_with_host(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {
      "Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view other) { return equals_ignoring_case(name, other); });
}

}  // namespace bide
