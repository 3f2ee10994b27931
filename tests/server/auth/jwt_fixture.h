// tests/server/auth/jwt_fixture.h: An authority with a key of each kind, and tokens that it
// accepts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/start_error.h"
#include "server/auth/jwt_authority.h"
#include "tests/scratch_dir.h"
#include "tests/server/auth/credentials.h"
#include "tests/server/auth/token_signer.h"

namespace bide::testing {

inline constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
inline const std::string kSecret = "a secret of more than thirty-two bytes";
inline const std::string kHs256 = R"({"alg":"HS256","typ":"JWT"})";
inline const std::string kRs256 = R"({"alg":"RS256","typ":"JWT"})";
inline const std::string kEs256 = R"({"alg":"ES256","typ":"JWT"})";
inline const std::string kEdDsa = R"({"alg":"EdDSA","typ":"JWT"})";

// Claims of a reader, valid for an hour from kNow on. `more`: further members, beginning with a
// comma.
inline std::string reader_claims(std::string_view more = "") {
  return R"({"sub":"ci","permissions":["job:read"],"exp":1800003600)" + std::string(more) + '}';
}

struct JwtFiles {
  // All three public keys, and the secret.
  JwtFiles() {
    write_file(secret, kSecret + "\n");
    write_file(keys,
               rsa_signer().public_pem() + ec_signer().public_pem() + ed_signer().public_pem());
  }

  [[nodiscard]] JwtAuthority authority(std::optional<std::string> issuer = {},
                                       std::optional<std::string> audience = {}) const {
    return JwtAuthority({.secret_file = secret,
                         .key_file = keys,
                         .issuer = std::move(issuer),
                         .audience = std::move(audience)});
  }

  ScratchDir dir;
  const std::filesystem::path secret = dir.path() / "secret";
  const std::filesystem::path keys = dir.path() / "keys.pem";
};

inline std::string judged(const JwtAuthority& authority, std::string_view token,
                          WallTime now = kNow) {
  return outcome(authority.judge(token, now));
}

inline std::string start_trouble(JwtSettings settings) {
  try {
    const JwtAuthority authority(std::move(settings));
  } catch (const StartError& error) {
    return error.what();
  }
  return "";
}

// One of each algorithm.
inline std::vector<std::string> good_tokens(std::string_view claims) {
  return {hs256_token(kSecret, kHs256, claims), signed_token(rsa_signer(), kRs256, claims),
          signed_token(ec_signer(), kEs256, claims), signed_token(ed_signer(), kEdDsa, claims)};
}

}  // namespace bide::testing
