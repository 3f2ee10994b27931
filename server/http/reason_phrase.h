// server/http/reason_phrase.h: The names of status codes, RFC 9110 section 15 and the later
// registered.
//
// Thread safety: pure function.
#pragma once

#include <string_view>

namespace bide {

// Empty for a code that has none: the phrase is optional, its space is not (RFC 9112 section 4).
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace bide
