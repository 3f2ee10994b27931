// server/auth/verification_key.h: A key that signatures of tokens are verified with (RFC 7518, RFC
// 8037).
//
// Each key has one algorithm, and verifies signatures of that one only: a token cannot choose to
// have a public key taken for the secret of a HMAC (RFC 8725 section 3.1).
//
// Thread safety: immutable, may be shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/auth/keyed_digest.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY.

namespace bide {

enum class SigningAlgorithm : std::uint8_t { kHs256, kRs256, kEs256, kEdDsa };

// `HS256`, `RS256`, `ES256`, `EdDSA`, exactly; `none` is none.
[[nodiscard]] std::optional<SigningAlgorithm> find_signing_algorithm(std::string_view name);

class VerificationKey {
 public:
  static constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518 section 3.2.
  static constexpr int kRsaBitsMin = 2048;            // RFC 7518 section 3.3.
  static constexpr int kRsaBitsMax = 8192;            // Beyond, a verification takes too long.

  // The string, of both: what is wrong with it and what would be right, never the secret.
  [[nodiscard]] static std::variant<VerificationKey, std::string> of_secret(
      std::string_view secret);
  // RSA for RS256, EC on P-256 for ES256, Ed25519 for EdDSA. Takes its share of `key`.
  [[nodiscard]] static std::variant<VerificationKey, std::string> of_public(
      std::shared_ptr<evp_pkey_st> key);

  [[nodiscard]] SigningAlgorithm algorithm() const { return algorithm_; }
  // What tokens call it (`kid`); nullopt: whatever they like.
  [[nodiscard]] const std::optional<std::string>& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  // `signature`: as RFC 7518 section 3 lays it out for the algorithm, for ES256 64 bytes.
  [[nodiscard]] bool verifies(std::string_view signed_text, std::string_view signature) const;

 private:
  using Material = std::variant<KeyedDigest, std::shared_ptr<evp_pkey_st>>;

  VerificationKey(SigningAlgorithm algorithm, Material material)
      : algorithm_(algorithm), material_(std::move(material)) {}

  SigningAlgorithm algorithm_;
  std::optional<std::string> name_;
  Material material_;
};

// What a file of keys holds.
struct KeyRing {
  // So many at most in a file: a token without `kid` is tried with all of them.
  static constexpr std::size_t kKeysMax = 32;

  std::vector<VerificationKey> keys;
  std::vector<std::string> notes;  // Why others in it are not used; one a key, for a log.
};

}  // namespace bide
