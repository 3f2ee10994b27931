// server/auth/jwt_authority.h: Who may read, by signed tokens (`--auth jwt`; RFC 7519, RFC 8725).
//
// A token is good if one of our keys signed it with that key's algorithm, it is valid now, it is
// from the issuer and for the audience that are configured, and it permits reading jobs. What a
// token says about where to find keys (`jwk`, `jku`, `x5c`, `x5u`) is never looked at.
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
  // One of the two files at least; with both, tokens of either kind are good. Relative paths are
  // the process's.
  // HS256: the bytes of the file, one newline at its end left out; 32 at least (RFC 7518
  // section 3.2).
  std::optional<std::filesystem::path> secret_file{};
  // RS256, ES256, EdDSA: public keys or certificates as PEM, or a JWK set (RFC 7517 section 5). 32
  // of them at most; RSA of 2048 bits at least, EC on P-256, Ed25519.
  std::optional<std::filesystem::path> key_file{};
  // What `iss` must be, and `aud` be or contain. Not set: not looked at.
  std::optional<std::string> issuer{};
  std::optional<std::string> audience{};
};

class JwtAuthority : public Authority {
 public:
  static constexpr std::size_t kTokenBytesMax = 8192;

  // Reads the files; throws StartError, saying what reload() would.
  explicit JwtAuthority(JwtSettings settings);
  ~JwtAuthority() override;

  // kExpired and kForbidden only for what is validly signed, from whom and for whom it must be.
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> recall(std::string_view token,
                                                                   WallTime now) const override;
  [[nodiscard]] std::variant<Permit, Denial> judge(std::string_view token,
                                                   WallTime now) const override;
  [[nodiscard]] std::optional<std::string> reload() override;
  [[nodiscard]] std::vector<std::filesystem::path> files() const override;
  // Which keys of a JWK set.
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
