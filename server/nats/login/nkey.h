// server/nats/login/nkey.h: NATS's way to write Ed25519 keys: base32 of what kind it is, the key,
// and a CRC-16.
//
// nats.c signs with a seed but does not tell the public key that belongs to it, and the server
// wants both.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bide {

// The public key (`U…`, 56 characters) of a user's seed (`SU…`, 58). nullopt: it is no user's seed:
// another kind of key, mistyped, or cut.
[[nodiscard]] std::optional<std::string> public_nkey_of(std::string_view user_seed);

}  // namespace bide
