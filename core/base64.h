// core/base64.h: Base64 as RFC 4648 section 4 defines it.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bide {

// Standard alphabet, padded, no line breaks, and no stray bits before the padding: one text for
// each value. nullopt: anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

// The one text that decode_base64() takes for these bytes.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace bide
