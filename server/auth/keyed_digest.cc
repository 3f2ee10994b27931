#include "server/auth/keyed_digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>
#include <new>

#include "core/base/crypto_handles.h"
#include "core/base/start_error.h"

namespace bide {

// Fetching an algorithm by its name takes longer than a digest. So it is done once, and the keyed
// state is copied. HMAC with SHA-256 is in every OpenSSL, so only a lack of memory can fail here.
KeyedDigest::KeyedDigest(std::string_view key) {
  const EvpMacPtr mac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
  if (!mac)
    throw StartError("OpenSSL has no HMAC: its configuration leaves out the default provider");
  keyed_ = std::shared_ptr<EVP_MAC_CTX>(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  if (!keyed_ || EVP_MAC_init(keyed_.get(), bytes, key.size(), params) != 1) {
    throw StartError("OpenSSL has no SHA-256: its configuration leaves out the default provider");
  }
}

KeyedDigest KeyedDigest::random() {
  std::array<char, 32> key{};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), key.size()) != 1) {
    throw StartError("OpenSSL has no random bytes");
  }
  KeyedDigest digest({key.data(), key.size()});
  OPENSSL_cleanse(key.data(), key.size());
  return digest;
}

// Copying the keyed state costs half as much as the digest, so each thread keeps its last copy and
// starts from it again. It also holds the original: otherwise another object at the same address
// would be taken for it.
EVP_MAC_CTX* KeyedDigest::context() const {
  thread_local std::shared_ptr<EVP_MAC_CTX> original;
  thread_local EvpMacCtxPtr copy;
  if (copy && original == keyed_ && EVP_MAC_init(copy.get(), nullptr, 0, nullptr) == 1) {
    return copy.get();
  }
  copy.reset(EVP_MAC_CTX_dup(keyed_.get()));
  original = keyed_;
  return copy.get();
}

KeyedDigest::Value KeyedDigest::of(std::string_view text) const {
  EVP_MAC_CTX* const mac = context();
  Value value{};
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (mac == nullptr || EVP_MAC_update(mac, bytes, text.size()) != 1 ||
      EVP_MAC_final(mac, value.data(), &size, value.size()) != 1 || size != value.size()) {
    throw std::bad_alloc();
  }
  return value;
}

bool equal(const KeyedDigest::Value& a, const KeyedDigest::Value& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint64_t client_of(const KeyedDigest::Value& digest) {
  std::uint64_t client = 0;
  std::memcpy(&client, digest.data(), sizeof client);
  return client;
}

}  // namespace bide
