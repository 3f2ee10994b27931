// server/auth/pem_keys.h: Public keys as PEM (RFC 7468): `PUBLIC KEY`, `RSA PUBLIC KEY`, and the
// key of a `CERTIFICATE`, whose dates and signature are not looked at: who wrote the file trusts
// the key.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "server/auth/verification_key.h"

namespace bide {

// All blocks must be keys that can be used; text around them is ignored. The keys have no names.
// The string: why not, beginning with the line of the block.
[[nodiscard]] std::variant<KeyRing, std::string> parse_pem_keys(std::string_view text);

}  // namespace bide
