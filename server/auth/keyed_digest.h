// server/auth/keyed_digest.h: HMAC-SHA-256 (RFC 2104) under one key.
//
// With a random key it serves to look up secrets: without the key, neither the place of a digest in
// an index nor the time of a comparison tells anything about the secret.
//
// Thread safety: immutable, may be shared.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_mac_ctx_st;  // OpenSSL's EVP_MAC_CTX.

namespace bide {

class KeyedDigest {
 public:
  using Value = std::array<unsigned char, 32>;

  // `key`: at least one byte.
  explicit KeyedDigest(std::string_view key);
  // With a random key that is not kept anywhere in plain. Throws StartError if the system provides
  // no randomness.
  [[nodiscard]] static KeyedDigest random();

  [[nodiscard]] Value of(std::string_view text) const;

 private:
  // This thread's copy of the keyed state. Null: out of memory.
  [[nodiscard]] evp_mac_ctx_st* context() const;

  std::shared_ptr<evp_mac_ctx_st> keyed_;
};

// Takes the same time wherever they differ.
[[nodiscard]] bool equal(const KeyedDigest::Value& a, const KeyedDigest::Value& b);

// The client's name in limits (Permit::client).
[[nodiscard]] std::uint64_t client_of(const KeyedDigest::Value& digest);

}  // namespace bide
