// server/auth/signed_token.h: A signed token taken apart (RFC 7515 section 7.1). Nothing in it is
// verified.
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

  // nullopt: not three parts of base64url, the first of them a header we can do what it says.
  // `crit` is refused in any form, as no extension is known here (section 4.1.11); members that say
  // where to find keys are not looked at.
  [[nodiscard]] static std::optional<SignedToken> parse(std::string_view token);
};

}  // namespace bide
