// server/auth/keyed_digest.h: HMAC-SHA-256 (RFC 2104) under one key.
//
// Under a random key it is how secrets are looked up: neither where a digest stands in an index nor
// how long comparing it takes says anything about the secret to who does not know the key.
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

  // `key`: one byte at least.
  explicit KeyedDigest(std::string_view key);
  // Under a key that nobody knows, this object included once it is made. Throws StartError if the
  // machine has no randomness.
  [[nodiscard]] static KeyedDigest random();

  [[nodiscard]] Value of(std::string_view text) const;

 private:
  // This thread's copy, with nothing digested yet; null: no memory.
  [[nodiscard]] evp_mac_ctx_st* context() const;

  std::shared_ptr<evp_mac_ctx_st> keyed_;
};

// In a time that does not depend on where they differ.
[[nodiscard]] bool equal(const KeyedDigest::Value& a, const KeyedDigest::Value& b);

// What limits per client count by (Permit::client).
[[nodiscard]] std::uint64_t client_of(const KeyedDigest::Value& digest);

}  // namespace bide
