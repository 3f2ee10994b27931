// server/files/pem_file.h: Reads certificates, revocation lists and keys from PEM files (RFC 7468).
//
// Thread safety: may be called from any thread; they block on the disk.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "core/base/crypto_handles.h"

namespace bide {

// All certificates in the file, at least one. Other blocks are ignored. The string: the error, to
// follow the name of the file: `cannot be read: …`, `holds no certificate …`.
[[nodiscard]] std::variant<std::vector<X509Ptr>, std::string> read_certificates(
    const std::filesystem::path& path);

// All certificate revocation lists in the file, at least one. The string: the error, as above.
[[nodiscard]] std::variant<std::vector<X509CrlPtr>, std::string> read_revocations(
    const std::filesystem::path& path);

// The first private key in the file. The string: the error, as above. An encrypted key is an error:
// bide asks for no passphrase.
[[nodiscard]] std::variant<EvpPkeyPtr, std::string> read_private_key(
    const std::filesystem::path& path);

}  // namespace bide
