// server/nats/login/nkey.h: Ed25519 keys in the notation of NATS: base32 of the kind of key, the
// key, and a CRC-16.
//
// nats.c signs with a seed, but does not derive its public key, and the server needs both.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bide {

// The public key (`U…`, 56 characters) of a user's seed (`SU…`, 58 characters). nullopt: not a
// user's seed, but another kind of key, or mistyped or cut.
[[nodiscard]] std::optional<std::string> public_nkey_of(std::string_view user_seed);

}  // namespace bide
