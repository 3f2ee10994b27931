// core/base/base64.h: Base64 and base32 as RFC 4648 sections 4 to 6 define them.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bide {

// Standard alphabet, padded, without line breaks or stray bits before the padding, so that each
// value has one text. nullopt for anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

// The text that decode_base64() accepts for these bytes.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

// The same with the alphabet that is safe in URLs, and without padding (RFC 7515 section 2).
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);
[[nodiscard]] std::string encode_base64url(std::string_view bytes);

// Base32 without padding, as NATS writes keys. Small letters are no digits.
[[nodiscard]] std::optional<std::string> decode_base32(std::string_view text);
[[nodiscard]] std::string encode_base32(std::string_view bytes);

}  // namespace bide
