// tests/server/auth/token_signer.h: Signs tokens as issuers do, well and badly, with new keys.
#pragma once

#include <doctest/doctest.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/base64.h"
#include "core/base/crypto_handles.h"

namespace bide::testing {

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

inline std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> out{};
  unsigned size = 0;
  REQUIRE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(),
               out.data(), &size) != nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

// A private key of any kind.
class Signer {
 public:
  explicit Signer(EvpPkeyPtr key) : key_(std::move(key)) { REQUIRE(key_ != nullptr); }
  static Signer rsa(unsigned bits) { return Signer(EvpPkeyPtr(EVP_RSA_gen(bits))); }
  static Signer ec(const char* curve) { return Signer(EvpPkeyPtr(EVP_EC_gen(curve))); }
  static Signer of_kind(const char* kind) {
    const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* key = nullptr;
    REQUIRE(EVP_PKEY_keygen_init(context.get()) == 1);
    REQUIRE(EVP_PKEY_generate(context.get(), &key) == 1);
    return Signer(EvpPkeyPtr(key));
  }

  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }

  // In the form of the key's algorithm: RS256, ES256, EdDSA.
  [[nodiscard]] std::string sign(std::string_view text) const {
    const bool own_hash = EVP_PKEY_is_a(key_.get(), "ED25519") == 1;
    const std::string signature = sign_with(own_hash ? nullptr : EVP_sha256(), text);
    return EVP_PKEY_is_a(key_.get(), "EC") == 1 ? raw_signature(signature) : signature;
  }

  [[nodiscard]] std::string sign_with(const EVP_MD* hash, std::string_view text) const {
    const EvpMdCtxPtr context(EVP_MD_CTX_new());
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key_.get()) == 1);
    std::string out(1024, '\0');
    std::size_t size = out.size();
    REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                           bytes_of(text), text.size()) == 1);
    out.resize(size);
    return out;
  }

  [[nodiscard]] std::string public_pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    REQUIRE(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
    return text_of(bio.get());
  }
  [[nodiscard]] std::string private_pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    REQUIRE(PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1);
    return text_of(bio.get());
  }
  // PKCS #1.
  [[nodiscard]] std::string rsa_public_pem() const {
    unsigned char* der = nullptr;
    const int size = i2d_PublicKey(key_.get(), &der);
    REQUIRE(size > 0);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    const int written = PEM_write_bio(bio.get(), PEM_STRING_RSA_PUBLIC, "", der, size);
    OPENSSL_free(der);
    REQUIRE(written > 0);
    return text_of(bio.get());
  }
  [[nodiscard]] std::string certificate_pem() const {
    const X509Ptr certificate(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    REQUIRE(X509_set_pubkey(certificate.get(), key_.get()) == 1);
    const bool own_hash = EVP_PKEY_is_a(key_.get(), "ED25519") == 1;
    REQUIRE(X509_sign(certificate.get(), key_.get(), own_hash ? nullptr : EVP_sha256()) > 0);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    REQUIRE(PEM_write_bio_X509(bio.get(), certificate.get()) == 1);
    return text_of(bio.get());
  }

  // The members of its public JWK, without braces.
  [[nodiscard]] std::string jwk() const {
    if (EVP_PKEY_is_a(key_.get(), "RSA") == 1) {
      return R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N, 0) + R"(","e":")" +
             number(OSSL_PKEY_PARAM_RSA_E, 0) + '"';
    }
    if (EVP_PKEY_is_a(key_.get(), "EC") == 1) {
      return R"("kty":"EC","crv":"P-256","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X, 32) +
             R"(","y":")" + number(OSSL_PKEY_PARAM_EC_PUB_Y, 32) + '"';
    }
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    REQUIRE(EVP_PKEY_get_raw_public_key(key_.get(), raw.data(), &size) == 1);
    return R"("kty":"OKP","crv":"Ed25519","x":")" +
           encode_base64url({reinterpret_cast<const char*>(raw.data()), size}) + '"';
  }

 private:
  static std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
  }

  // From DER to two numbers of 32 bytes.
  static std::string raw_signature(std::string_view der) {
    const unsigned char* begin = bytes_of(der);
    const EcdsaSigPtr pair(d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(der.size())));
    std::string raw(64, '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    REQUIRE(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out, 32) == 32);
    REQUIRE(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out + 32, 32) == 32);
    return raw;
  }

  // `bytes`: 0 for as many as it needs.
  [[nodiscard]] std::string number(const char* param, int bytes) const {
    BIGNUM* value = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(key_.get(), param, &value) == 1);
    const BignumPtr owner(value);
    std::string out(static_cast<std::size_t>(bytes > 0 ? bytes : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    return encode_base64url(out);
  }

  EvpPkeyPtr key_;
};

inline std::string unsigned_token(std::string_view header, std::string_view claims) {
  return encode_base64url(header) + '.' + encode_base64url(claims);
}

inline std::string signed_token(const Signer& signer, std::string_view header,
                                std::string_view claims) {
  const std::string text = unsigned_token(header, claims);
  return text + '.' + encode_base64url(signer.sign(text));
}

inline std::string hs256_token(std::string_view secret, std::string_view header,
                               std::string_view claims) {
  const std::string text = unsigned_token(header, claims);
  return text + '.' + encode_base64url(hmac_sha256(secret, text));
}

// Made once, because making keys takes long.
inline const Signer& rsa_signer() {
  static const Signer signer = Signer::rsa(2048);
  return signer;
}
inline const Signer& ec_signer() {
  static const Signer signer = Signer::ec("P-256");
  return signer;
}
inline const Signer& ed_signer() {
  static const Signer signer = Signer::of_kind("ED25519");
  return signer;
}

}  // namespace bide::testing
