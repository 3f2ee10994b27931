// server/files/pem_file.h: Certificates, lists of revoked ones and keys in files as administrators
// have them: PEM (RFC 7468).
//
// Thread safety: pure functions, but for the disk, on which they block.
#pragma once

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "core/base/crypto_handles.h"

namespace bide {

// All certificates in the file, at least one; or what is wrong with it, to stand behind its name:
// `cannot be read: …`, `holds no certificate …`. What else the file holds is passed over.
[[nodiscard]] std::variant<std::vector<X509Ptr>, std::string> read_certificates(
    const std::filesystem::path& path);

// All lists of revoked certificates in the file, at least one; or what is wrong, as above.
[[nodiscard]] std::variant<std::vector<X509CrlPtr>, std::string> read_revocations(
    const std::filesystem::path& path);

// The first private key in the file; or what is wrong. An encrypted one is: nobody is asked for a
// passphrase.
[[nodiscard]] std::variant<EvpPkeyPtr, std::string> read_private_key(
    const std::filesystem::path& path);

}  // namespace bide
