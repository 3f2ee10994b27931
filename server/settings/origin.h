// server/settings/origin.h: The origin of a page, as it is named in settings.
//
// Thread safety: pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bide {

// `https://host` or `https://host:port`, http too, without a path (RFC 6454 section 6.2), as
// browsers write it in Origin: scheme and host in lower case, an IPv6 address in its shortest form,
// no port where it is the scheme's own. Names with other than ASCII are to be given as their
// browser sends them (xn--…). nullopt: not an origin.
[[nodiscard]] std::optional<std::string> parse_origin(std::string_view text);

}  // namespace bide
