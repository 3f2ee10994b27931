// server/pem_file.h: Certificates and keys in files as administrators have them: PEM (RFC 7468).
//
// Thread safety: pure functions, but for the disk, on which they block.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace bide {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using X509Ref = std::unique_ptr<X509, FreeX509>;
using KeyRef = std::unique_ptr<EVP_PKEY, FreeKey>;

// All certificates in the file, at least one; or what is wrong with it, to stand behind its name:
// `cannot be read: …`, `holds no certificate …`. What else the file holds is passed over.
[[nodiscard]] std::variant<std::vector<X509Ref>, std::string> read_certificates(
    const std::filesystem::path& path);

// The first private key in the file; or what is wrong. An encrypted one is: nobody is asked for a
// passphrase.
[[nodiscard]] std::variant<KeyRef, std::string> read_private_key(const std::filesystem::path& path);

}  // namespace bide
