// server/auth/verification_key.h: A key that verifies signatures of tokens (RFC 7518, RFC 8037).
//
// Each key verifies signatures of one algorithm only. So a token cannot make bide take a public key
// for the secret of an HMAC (RFC 8725 section 3.1).
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

// `HS256`, `RS256`, `ES256` or `EdDSA`, in this spelling. nullopt for everything else, also `none`.
[[nodiscard]] std::optional<SigningAlgorithm> find_signing_algorithm(std::string_view name);

class VerificationKey {
 public:
  static constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518 section 3.2.
  static constexpr int kRsaBitsMin = 2048;            // RFC 7518 section 3.3.
  static constexpr int kRsaBitsMax = 8192;            // With more, a verification takes too long.

  // For both, the string says what is wrong and what would be right, without the secret.
  [[nodiscard]] static std::variant<VerificationKey, std::string> of_secret(
      std::string_view secret);
  // RSA for RS256, EC on P-256 for ES256, Ed25519 for EdDSA. Shares `key`.
  [[nodiscard]] static std::variant<VerificationKey, std::string> of_public(
      std::shared_ptr<evp_pkey_st> key);

  [[nodiscard]] SigningAlgorithm algorithm() const { return algorithm_; }
  // The name of the key in tokens (`kid`). nullopt: any name.
  [[nodiscard]] const std::optional<std::string>& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  // `signature`: in the form of RFC 7518 section 3 for the algorithm; for ES256 64 bytes.
  [[nodiscard]] bool verifies(std::string_view signed_text, std::string_view signature) const;

 private:
  using Material = std::variant<KeyedDigest, std::shared_ptr<evp_pkey_st>>;

  VerificationKey(SigningAlgorithm algorithm, Material material)
      : algorithm_(algorithm), material_(std::move(material)) {}

  SigningAlgorithm algorithm_;
  std::optional<std::string> name_;
  Material material_;
};

// The keys of a file.
struct KeyRing {
  // The limit exists because a token without `kid` is tried with all keys.
  static constexpr std::size_t kKeysMax = 32;

  std::vector<VerificationKey> keys;
  std::vector<std::string> notes;  // For the log: each key that is not used, and why.
};

}  // namespace bide
