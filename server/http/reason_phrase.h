// server/http/reason_phrase.h: The names of the status codes that bide sends, as registered (RFC
// 9110 section 15).
//
// Thread safety: pure function.
#pragma once

#include <string_view>

namespace bide {

// Empty for any other code: the phrase is optional, its space is not (RFC 9112 section 4).
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace bide
