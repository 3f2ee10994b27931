// server/auth/jwk_set.h: Public keys as a JWK set (RFC 7517 section 5).
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "server/auth/verification_key.h"

namespace bide {

// Keys that cannot be used are left out and noted, as section 5 wants it: of another kind (`kty`,
// `crv`), meant for something else (`use`, `key_ops`, `alg`), secret (private keys, `oct`: a set is
// for publishing), or malformed. One at least must be left. The string: why not; it names the first
// note if there is no other reason. Certificates and URLs in keys (`x5c`, `x5u`) are not looked at.
[[nodiscard]] std::variant<KeyRing, std::string> parse_jwk_set(std::string_view text);

}  // namespace bide
