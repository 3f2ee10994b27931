// server/auth/token_claims.h: What the payload of a token says (RFC 7519 section 4).
//
// Thread safety: values and pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"

namespace bide {

struct TokenClaims {
  std::optional<std::string> issuer;   // `iss`
  std::optional<std::string> subject;  // `sub`
  std::vector<std::string> audiences;  // `aud`
  // Of no use from then on; WallTime::max() for what is beyond it.
  WallTime expires{};                     // `exp`
  WallTime not_before = WallTime::min();  // `nbf`
  // `job:read` in `permissions`, `scope` or `scp` (a list, or words with spaces between them), or
  // `admin`, `write` or `read` in `roles` or as `role`.
  bool reads_jobs = false;

  // nullopt: not one JSON object without duplicate members, no `exp`, or a claim that is used here
  // has another type than it must; times are numbers from 1970 to the end of the year 9999, with a
  // fraction or without. A permission of another type permits nothing.
  [[nodiscard]] static std::optional<TokenClaims> parse(std::string_view payload);
};

}  // namespace bide
