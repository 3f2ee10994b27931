#include "server/nats/login/nkey.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/crypto_handles.h"

namespace bide {
namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
// The kind is in the top five bits, so that it is the first letter of the base32. In a seed it is
// the second letter and straddles two bytes.
constexpr unsigned char kKindSeed = 18 << 3;
constexpr unsigned char kKindUser = 20 << 3;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSeedBytes = 2 + kKeyBytes + 2;

// RFC 4648 section 6 without padding. nullopt: a letter outside the alphabet, or bits left over.
std::optional<Bytes> decode_base32(std::string_view text) {
  Bytes bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kBase32.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 5 | static_cast<unsigned>(value);
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<unsigned char>(bits >> count));
    bits &= (1U << count) - 1;
  }
  if (count >= 5 || bits != 0) return std::nullopt;
  return bytes;
}

std::string encode_base32(const Bytes& bytes) {
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) text += kBase32[bits >> (count - 5) & 31];
    bits &= (1U << count) - 1;
  }
  if (count > 0) text += kBase32[bits << (5 - count) & 31];
  return text;
}

// CRC-16/XMODEM.
std::uint16_t checksum(const unsigned char* bytes, std::size_t size) {
  unsigned crc = 0;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= static_cast<unsigned>(bytes[i]) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return static_cast<std::uint16_t>(crc);
}

bool is_user_seed(const Bytes& bytes) {
  if (bytes.size() != kSeedBytes) return false;
  const unsigned sum = bytes[kSeedBytes - 2] | bytes[kSeedBytes - 1] << 8;
  return bytes[0] == (kKindSeed | kKindUser >> 5) && bytes[1] == ((kKindUser << 3) & 0xff) &&
         checksum(bytes.data(), kSeedBytes - 2) == sum;
}

std::optional<Bytes> ed25519_public(const unsigned char* secret) {
  const EvpPkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret, kKeyBytes));
  Bytes bytes(kKeyBytes);
  std::size_t size = kKeyBytes;
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<std::string> public_nkey_of(std::string_view user_seed) {
  std::optional<Bytes> seed = decode_base32(user_seed);
  if (!seed || !is_user_seed(*seed)) return std::nullopt;
  const std::optional<Bytes> key = ed25519_public(seed->data() + 2);
  OPENSSL_cleanse(seed->data(), seed->size());
  if (!key) return std::nullopt;
  Bytes bytes{kKindUser};
  bytes.insert(bytes.end(), key->begin(), key->end());
  const std::uint16_t sum = checksum(bytes.data(), bytes.size());
  bytes.push_back(static_cast<unsigned char>(sum & 0xff));
  bytes.push_back(static_cast<unsigned char>(sum >> 8));
  return encode_base32(bytes);
}

}  // namespace bide
