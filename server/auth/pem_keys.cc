#include "server/auth/pem_keys.h"

#include <openssl/pem.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/crypto_handles.h"

namespace bide {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";

// A block from PEM_read_bio().
struct Block {
  ~Block() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
};

// Parses DER. Null: malformed, or bytes are left over.
EvpPkeyPtr decode(std::string_view name, const unsigned char* data, long size) {
  const unsigned char* end = data;
  EvpPkeyPtr key;
  if (name == PEM_STRING_PUBLIC) {
    key.reset(d2i_PUBKEY(nullptr, &end, size));
  } else if (name == PEM_STRING_RSA_PUBLIC) {
    key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &end, size));
  } else {
    const X509Ptr certificate(d2i_X509(nullptr, &end, size));
    if (certificate) key.reset(X509_get_pubkey(certificate.get()));
  }
  if (end != data + size) key.reset();
  return key;
}

// `text` begins with a block.
std::variant<VerificationKey, std::string> parse_block(std::string_view text) {
  const QuietErrors quiet;
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Block block;
  if (!bio || PEM_read_bio(bio.get(), &block.name, &block.header, &block.data, &block.size) != 1) {
    return "a PEM block that cannot be read; is all of it there?";
  }
  const std::string name = block.name;
  if (name.find("PRIVATE KEY") != std::string::npos) {
    return "a private key, which bide must not have; give the public one, made with "
           "`openssl pkey -pubout`";
  }
  if (name != PEM_STRING_PUBLIC && name != PEM_STRING_RSA_PUBLIC && name != PEM_STRING_X509) {
    return "a PEM block of another kind; expected PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE";
  }
  EvpPkeyPtr key = decode(name, block.data, block.size);
  if (!key) return "a " + name + " that OpenSSL cannot decode";
  return VerificationKey::of_public(std::move(key));
}

}  // namespace

std::variant<KeyRing, std::string> parse_pem_keys(std::string_view text) {
  KeyRing ring;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos;) {
    const std::size_t next = text.find(kBegin, at + kBegin.size());
    auto key = parse_block(text.substr(at, next - at));
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
    const std::string where = "line " + std::to_string(line) + ": ";
    if (const auto* why = std::get_if<std::string>(&key)) return where + *why;
    if (ring.keys.size() == KeyRing::kKeysMax) {
      return where + "more than " + std::to_string(KeyRing::kKeysMax) + " keys; take out old ones";
    }
    ring.keys.push_back(std::get<VerificationKey>(std::move(key)));
    at = next;
  }
  if (ring.keys.empty()) return "holds no key; expected public keys as PEM, or a JWK set";
  return ring;
}

}  // namespace bide
