// server/auth/jwt_authority.h: Accepts signed tokens (`--auth jwt`; RFC 7519, RFC 8725).
//
// A token is accepted if a configured key signed it with that key's algorithm, it is valid now, its
// issuer and audience are the configured ones, and it permits reading jobs. Members of a token that
// say where to find keys (`jwk`, `jku`, `x5c`, `x5u`) are always ignored.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/auth/authority.h"
#include "server/auth/keyed_digest.h"
#include "server/files/reloadable.h"

namespace bide {

struct TokenClaims;
struct VerifiedToken;

struct JwtSettings {
  // At least one of the two files. With both, tokens of either kind are accepted. Relative paths
  // start at the working directory.
  // HS256: the bytes of the file without one newline at its end, at least 32 (RFC 7518
  // section 3.2).
  std::optional<std::filesystem::path> secret_file{};
  // RS256, ES256, EdDSA: public keys or certificates as PEM, or a JWK set (RFC 7517 section 5). At
  // most 32 keys: RSA with at least 2048 bits, EC on P-256, Ed25519.
  std::optional<std::filesystem::path> key_file{};
  // `iss` must equal the issuer; `aud` must be or contain the audience. Not set: not checked.
  std::optional<std::string> issuer{};
  std::optional<std::string> audience{};
};

class JwtAuthority : public Authority {
 public:
  static constexpr std::size_t kTokenBytesMax = 8192;

  // Reads the files. Throws StartError with the text that reload() would return.
  explicit JwtAuthority(JwtSettings settings);
  ~JwtAuthority() override;

  // kExpired and kForbidden only for tokens with a valid signature, issuer and audience.
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> recall(std::string_view token,
                                                                   WallTime now) const override;
  [[nodiscard]] std::variant<Permit, Denial> judge(std::string_view token,
                                                   WallTime now) const override;
  [[nodiscard]] std::optional<std::string> reload() override;
  [[nodiscard]] std::vector<std::filesystem::path> files() const override;
  // About keys of a JWK set.
  [[nodiscard]] std::vector<std::string> notes() const override;

 private:
  struct Keys;

  std::variant<std::shared_ptr<const Keys>, std::string> read() const;
  std::optional<VerifiedToken> verify(std::string_view token, const Keys& keys) const;
  bool is_for_us(const TokenClaims& claims) const;

  const JwtSettings settings_;
  const KeyedDigest digest_;
  Reloadable<Keys> keys_;
};

}  // namespace bide
