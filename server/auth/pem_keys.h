// server/auth/pem_keys.h: Public keys as PEM (RFC 7468): `PUBLIC KEY`, `RSA PUBLIC KEY`, and the
// key of a `CERTIFICATE`. The dates and the signature of a certificate are not checked: the
// operator who wrote the file trusts the key.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "server/auth/verification_key.h"

namespace bide {

// Every block must be a key that can be used; text around blocks is ignored. The keys have no
// names. The string: the error, starting with the line of the block.
[[nodiscard]] std::variant<KeyRing, std::string> parse_pem_keys(std::string_view text);

}  // namespace bide
