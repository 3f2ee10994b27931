// server/auth/token_claims.h: The claims in the payload of a token (RFC 7519 section 4).
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
  // Invalid from this time on. WallTime::max() also for later times.
  WallTime expires{};                     // `exp`
  WallTime not_before = WallTime::min();  // `nbf`
  // It has `job:read` in `permissions`, `scope` or `scp` (a list, or words separated by spaces), or
  // `admin`, `write` or `read` in `roles` or as `role`.
  bool reads_jobs = false;
  // The same with `job:write`, and `admin` or `write`.
  bool writes_jobs = false;
  // `bide_jobs`: the jobs that it is for, see JobScope. nullopt: all. None, if the claim is no list
  // of ids and prefixes.
  std::optional<std::vector<std::string>> jobs;

  // nullopt: not a JSON object, duplicate members, no `exp`, or a wrong type of a claim that is
  // used here. Times are numbers from 1970 to the end of the year 9999, with or without a fraction.
  // A permission of a wrong type permits nothing.
  [[nodiscard]] static std::optional<TokenClaims> parse(std::string_view payload);
};

}  // namespace bide
