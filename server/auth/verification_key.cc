#include "server/auth/verification_key.h"

#include <openssl/core_names.h>

#include <array>
#include <cstring>
#include <utility>

#include "core/base/crypto_handles.h"

namespace bide {
namespace {

constexpr std::size_t kScalarBytes = 32;  // For P-256.

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// RFC 7518 section 3.4 concatenates r and s, OpenSSL expects DER. Empty: not a signature.
std::string der_signature(std::string_view raw) {
  if (raw.size() != 2 * kScalarBytes) return {};
  BignumPtr r(BN_bin2bn(bytes_of(raw), kScalarBytes, nullptr));
  BignumPtr s(BN_bin2bn(bytes_of(raw.substr(kScalarBytes)), kScalarBytes, nullptr));
  const EcdsaSigPtr pair(ECDSA_SIG_new());
  if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  std::array<unsigned char, 2 * kScalarBytes + 16> der{};
  if (i2d_ECDSA_SIG(pair.get(), nullptr) > static_cast<int>(der.size())) return {};
  unsigned char* end = der.data();
  const int size = i2d_ECDSA_SIG(pair.get(), &end);
  if (size <= 0) return {};
  return {reinterpret_cast<const char*>(der.data()), static_cast<std::size_t>(size)};
}

// `hash`: null if the scheme has its own, like Ed25519.
bool verifies_with(EVP_PKEY* key, const EVP_MD* hash, std::string_view text, std::string_view sig) {
  const QuietErrors quiet;
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(sig), sig.size(), bytes_of(text), text.size()) ==
             1;
}

bool passes_check(EVP_PKEY* key) {
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new(key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

std::string curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 ? name.data() : "?";
}

std::optional<std::string> find_rsa_fault(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < VerificationKey::kRsaBitsMin || bits > VerificationKey::kRsaBitsMax) {
    return "RSA of " + std::to_string(bits) + " bits; expected 2048 to 8192";
  }
  if (!passes_check(key)) return "its RSA numbers are not a public key";
  return std::nullopt;
}

std::optional<std::string> find_ec_fault(EVP_PKEY* key) {
  if (const std::string curve = curve_of(key); curve != SN_X9_62_prime256v1) {
    return "EC on the curve " + curve + "; expected P-256";
  }
  if (!passes_check(key)) return "its EC point is not a public key";
  return std::nullopt;
}

std::string kind_of(const EVP_PKEY* key) {
  const char* name = EVP_PKEY_get0_type_name(key);
  return name != nullptr ? name : "?";
}

}  // namespace

std::optional<SigningAlgorithm> find_signing_algorithm(std::string_view name) {
  if (name == "HS256") return SigningAlgorithm::kHs256;
  if (name == "RS256") return SigningAlgorithm::kRs256;
  if (name == "ES256") return SigningAlgorithm::kEs256;
  if (name == "EdDSA") return SigningAlgorithm::kEdDsa;
  return std::nullopt;
}

std::variant<VerificationKey, std::string> VerificationKey::of_secret(std::string_view secret) {
  // A public key is no secret: as one, it would let everybody sign.
  if (secret.find("-----BEGIN ") != std::string_view::npos ||
      secret.find("\"kty\"") != std::string_view::npos) {
    return "holds a key, not a secret; give public keys by --jwt-key";
  }
  if (secret.size() < kSecretBytesMin) {
    return "a secret of " + std::to_string(secret.size()) +
           " bytes; HS256 needs 32 at least, make one with `openssl rand -hex 32`";
  }
  return VerificationKey(SigningAlgorithm::kHs256, KeyedDigest(secret));
}

std::variant<VerificationKey, std::string> VerificationKey::of_public(
    std::shared_ptr<EVP_PKEY> key) {
  const QuietErrors quiet;
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    if (auto fault = find_rsa_fault(key.get())) return *std::move(fault);
    return VerificationKey(SigningAlgorithm::kRs256, std::move(key));
  }
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
    if (auto fault = find_ec_fault(key.get())) return *std::move(fault);
    return VerificationKey(SigningAlgorithm::kEs256, std::move(key));
  }
  if (EVP_PKEY_is_a(key.get(), "ED25519") == 1) {
    return VerificationKey(SigningAlgorithm::kEdDsa, std::move(key));
  }
  return "of the kind " + kind_of(key.get()) + "; expected RSA, EC on P-256 or Ed25519";
}

bool VerificationKey::verifies(std::string_view signed_text, std::string_view signature) const {
  if (const auto* secret = std::get_if<KeyedDigest>(&material_)) {
    KeyedDigest::Value claimed{};
    if (signature.size() != claimed.size()) return false;
    std::memcpy(claimed.data(), signature.data(), claimed.size());
    return equal(secret->of(signed_text), claimed);
  }
  EVP_PKEY* key = std::get<1>(material_).get();
  if (algorithm_ == SigningAlgorithm::kRs256) {
    return verifies_with(key, EVP_sha256(), signed_text, signature);
  }
  if (algorithm_ == SigningAlgorithm::kEdDsa) {
    return verifies_with(key, nullptr, signed_text, signature);
  }
  const std::string der = der_signature(signature);
  return !der.empty() && verifies_with(key, EVP_sha256(), signed_text, der);
}

}  // namespace bide
