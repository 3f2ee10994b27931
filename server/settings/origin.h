// server/settings/origin.h: The origin of a page, for settings.
//
// Thread safety: pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bide {

// Parses `https://host` or `https://host:port` (or http) without a path (RFC 6454 section 6.2), and
// returns it in the form that browsers send in Origin: scheme and host in lower case, an IPv6
// address in its shortest form, no port if it is the default of the scheme. Names that are not
// ASCII must be given as browsers send them (xn--…). nullopt: not an origin.
[[nodiscard]] std::optional<std::string> parse_origin(std::string_view text);

}  // namespace bide
