#include "server/nats/login/nkey.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdint>

#include "core/base/base64.h"
#include "core/base/crypto_handles.h"

namespace bide {
namespace {

// The kind is in the top five bits, so that it is the first letter of the base32. In a seed it is
// the second letter and straddles two bytes.
constexpr unsigned char kKindSeed = 18 << 3;
constexpr unsigned char kKindUser = 20 << 3;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSeedBytes = 2 + kKeyBytes + 2;

// CRC-16/XMODEM.
std::uint16_t checksum(std::string_view bytes) {
  unsigned crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return static_cast<std::uint16_t>(crc);
}

bool is_user_seed(std::string_view seed) {
  if (seed.size() != kSeedBytes) return false;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(seed.data());
  const unsigned sum = bytes[kSeedBytes - 2] | bytes[kSeedBytes - 1] << 8;
  return bytes[0] == (kKindSeed | kKindUser >> 5) && bytes[1] == ((kKindUser << 3) & 0xff) &&
         checksum(seed.substr(0, kSeedBytes - 2)) == sum;
}

// `secret` has kKeyBytes.
std::optional<std::string> ed25519_public(const char* secret) {
  const EvpPkeyPtr key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(secret), kKeyBytes));
  std::string bytes(kKeyBytes, '\0');
  std::size_t size = kKeyBytes;
  auto* const out = reinterpret_cast<unsigned char*>(bytes.data());
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out, &size) != 1) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<std::string> public_nkey_of(std::string_view user_seed) {
  std::optional<std::string> seed = decode_base32(user_seed);
  if (!seed || !is_user_seed(*seed)) return std::nullopt;
  const std::optional<std::string> key = ed25519_public(seed->data() + 2);
  OPENSSL_cleanse(seed->data(), seed->size());
  if (!key) return std::nullopt;
  std::string bytes(1, static_cast<char>(kKindUser));
  bytes += *key;
  const std::uint16_t sum = checksum(bytes);
  bytes += static_cast<char>(sum & 0xff);
  bytes += static_cast<char>(sum >> 8);
  return encode_base32(bytes);
}

}  // namespace bide
