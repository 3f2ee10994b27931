// server/auth/signed_token.h: Parses a signed token (RFC 7515 section 7.1). Verifies nothing.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/auth/verification_key.h"

namespace bide {

struct SignedToken {
  SigningAlgorithm algorithm{};
  std::optional<std::string> key_name;  // `kid`.
  std::string_view signed_text;         // Into the token.
  std::string signature;
  std::string payload;

  // nullopt: not three parts of base64url, or the header is malformed or demands something that
  // bide does not support. `crit` is refused in any form, because no extension is supported
  // (section 4.1.11). Members that say where to find keys are ignored.
  [[nodiscard]] static std::optional<SignedToken> parse(std::string_view token);
};

}  // namespace bide
