// server/auth/jwk_set.h: Public keys as a JWK set (RFC 7517 section 5).
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "server/auth/verification_key.h"

namespace bide {

// Keys that cannot be used are left out and noted, as section 5 demands: keys of another kind
// (`kty`, `crv`), for another purpose (`use`, `key_ops`, `alg`), secret ones (private keys and
// `oct`, because sets are published), and malformed ones. At least one key must be left. The
// string: why the set cannot be used; with no key left, it contains the first note. Certificates
// and URLs in keys
// (`x5c`, `x5u`) are ignored.
[[nodiscard]] std::variant<KeyRing, std::string> parse_jwk_set(std::string_view text);

}  // namespace bide
