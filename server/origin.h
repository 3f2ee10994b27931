// server/origin.h: The origin of a page, as it is named in settings.
//
// Thread safety: pure function.
#pragma once

#include <string_view>

namespace bide {

// `https://host` or `https://host:port`, http too, in lower case, without a path (RFC 6454 section
// 6.2). Names with other than ASCII are to be given as their browser sends them (xn--…).
[[nodiscard]] bool is_origin(std::string_view text);

}  // namespace bide
