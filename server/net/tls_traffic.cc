#include "server/net/tls_traffic.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <new>

#include "core/base/crypto_handles.h"

namespace bide {
namespace {

constexpr std::size_t kLegacyVersionAt = 1;  // Within a record's header, and its length behind it.
constexpr std::size_t kLengthAt = 3;

// One a thread: its state lives from init to final only.
EVP_CIPHER_CTX* working_context() {
  thread_local const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
  if (context == nullptr) throw std::bad_alloc();
  return context.get();
}

// Looked up once: a fetch takes locks. Never freed, as OpenSSL itself ends with the process.
const EVP_CIPHER* fetched(std::size_t suite) {
  static const std::array<const EVP_CIPHER*, 3> ciphers = {
      EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)};
  // With a null cipher OpenSSL would go on with the one that the thread used last.
  if (ciphers[suite] == nullptr) throw std::bad_alloc();
  return ciphers[suite];
}

void put_number(std::uint64_t number, std::size_t bytes, unsigned char* out) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out[i] = static_cast<unsigned char>(number >> (8 * (bytes - 1 - i)));
  }
}

unsigned char* bytes_of(char* text) { return reinterpret_cast<unsigned char*>(text); }

}  // namespace

std::optional<TlsTraffic::Suite> TlsTraffic::suite_of(const SSL_CIPHER* cipher) {
  switch (SSL_CIPHER_get_cipher_nid(cipher)) {
    case NID_aes_128_gcm:
      return Suite::kAes128Gcm;
    case NID_aes_256_gcm:
      return Suite::kAes256Gcm;
    case NID_chacha20_poly1305:
      return Suite::kChaCha20Poly1305;
    default:
      return std::nullopt;
  }
}

std::size_t TlsTraffic::key_bytes() const { return suite_ == Suite::kAes128Gcm ? 16 : 32; }
std::size_t TlsTraffic::explicit_bytes() const {
  return is_1_3_ || suite_ == Suite::kChaCha20Poly1305 ? 0 : 8;
}

std::optional<TlsTraffic> TlsTraffic::of_1_3(const SSL_CIPHER* cipher, Bytes secret) {
  const auto suite = suite_of(cipher);
  const EVP_MD* const hash = SSL_CIPHER_get_handshake_digest(cipher);
  if (!suite || hash == nullptr || secret.size() > sizeof secret_ ||
      static_cast<std::size_t>(EVP_MD_get_size(hash)) != secret.size()) {
    return std::nullopt;
  }
  TlsTraffic traffic(*suite, true);
  traffic.secret_bytes_ = static_cast<std::uint8_t>(secret.size());
  std::copy(secret.begin(), secret.end(), traffic.secret_.begin());
  traffic.derive_keys();
  return traffic;
}

std::optional<TlsTraffic> TlsTraffic::of_1_2(const SSL_CIPHER* cipher, Bytes key_block,
                                             bool client) {
  const auto suite = suite_of(cipher);
  if (!suite) return std::nullopt;
  TlsTraffic traffic(*suite, false);
  const std::size_t key = traffic.key_bytes();
  const std::size_t iv = kNonceBytes - traffic.explicit_bytes();
  if (key_block.size() < 2 * (key + iv)) return std::nullopt;
  const Bytes keys = key_block.subspan(client ? 0 : key, key);
  const Bytes ivs = key_block.subspan(2 * key + (client ? 0 : iv), iv);
  std::copy(keys.begin(), keys.end(), traffic.key_.begin());
  std::copy(ivs.begin(), ivs.end(), traffic.iv_.begin());
  traffic.sequence_ = 1;
  return traffic;
}

TlsTraffic::~TlsTraffic() {
  OPENSSL_cleanse(iv_.data(), iv_.size());
  OPENSSL_cleanse(key_.data(), key_.size());
  OPENSSL_cleanse(secret_.data(), secret_.size());
}

// HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context. Nothing here is longer than the
// hash, so that HKDF-Expand is one HMAC of the label and a 1 (RFC 5869 section 2.3).
void TlsTraffic::expand(std::string_view label, std::span<unsigned char> out) const {
  std::string info{'\0', static_cast<char>(out.size()), static_cast<char>(6 + label.size())};
  info.append("tls13 ").append(label).append({'\0', '\1'});
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  if (HMAC(secret_bytes_ == 48 ? EVP_sha384() : EVP_sha256(), secret_.data(), secret_bytes_,
           bytes_of(info.data()), info.size(), hash.data(), nullptr) == nullptr) {
    throw std::bad_alloc();  // Else the keys were noughts.
  }
  std::copy_n(hash.begin(), out.size(), out.begin());
  OPENSSL_cleanse(hash.data(), hash.size());
}

void TlsTraffic::derive_keys() {
  expand("key", std::span(key_).first(key_bytes()));
  expand("iv", iv_);
  sequence_ = 0;
}

void TlsTraffic::update() {
  std::array<unsigned char, sizeof secret_> next{};
  expand("traffic upd", std::span(next).first(secret_bytes_));
  secret_ = next;
  OPENSSL_cleanse(next.data(), next.size());
  derive_keys();
}

TlsTraffic::Nonce TlsTraffic::nonce() const {
  std::array<unsigned char, 8> number{};
  put_number(sequence_, number.size(), number.data());
  Nonce nonce = iv_;  // With explicit bytes those of iv_ are nought.
  for (std::size_t i = 0; i < number.size(); ++i) nonce[kNonceBytes - 8 + i] ^= number[i];
  return nonce;
}

std::size_t TlsTraffic::put_aad(const char* header, std::size_t plain_bytes,
                                unsigned char* out) const {
  if (is_1_3_) {
    std::copy_n(header, kHeaderBytes, out);
    return kHeaderBytes;
  }
  put_number(sequence_, 8, out);
  std::copy_n(header, kLengthAt, out + 8);
  put_number(plain_bytes, 2, out + 8 + kLengthAt);
  return 8 + kHeaderBytes;
}

void TlsTraffic::seal(Type type, std::string_view bytes, std::string& out) {
  const std::size_t begin = out.size();
  const std::size_t inner = bytes.size() + (is_1_3_ ? 1 : 0);
  out += static_cast<char>(is_1_3_ ? Type::kData : type);
  out.append("\3\3\0\0", 4);
  const Nonce nonce = this->nonce();
  out.append(reinterpret_cast<const char*>(nonce.data()) + kNonceBytes - explicit_bytes(),
             explicit_bytes());
  out += bytes;
  if (is_1_3_) out += static_cast<char>(type);
  out.append(kTagBytes, '\0');
  char* const header = out.data() + begin;
  put_number(out.size() - begin - kHeaderBytes, 2, bytes_of(header + kLengthAt));

  std::array<unsigned char, 16> aad;
  const std::size_t aad_bytes = put_aad(header, inner, aad.data());
  unsigned char* const content = bytes_of(header + kHeaderBytes + explicit_bytes());
  EVP_CIPHER_CTX* const context = working_context();
  int done = 0;
  const bool sealed =
      EVP_EncryptInit_ex2(context, fetched(static_cast<std::size_t>(suite_)), key_.data(),
                          nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(context, nullptr, &done, aad.data(), static_cast<int>(aad_bytes)) == 1 &&
      EVP_EncryptUpdate(context, content, &done, content, static_cast<int>(inner)) == 1 &&
      EVP_EncryptFinal_ex(context, content + inner, &done) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, content + inner) == 1;
  if (!sealed) throw std::bad_alloc();  // The only way for this to fail; and not a byte may go out.
  ++sequence_;
}

std::variant<std::size_t, TlsAlert> TlsTraffic::record_bytes(std::span<const char> header) const {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(header[i]); };
  const std::size_t content = static_cast<std::size_t>(at(kLengthAt)) << 8 | at(kLengthAt + 1);
  const std::size_t least = explicit_bytes() + kTagBytes + (is_1_3_ ? 1 : 0);
  const std::size_t most = kPlainBytesMax + (is_1_3_ ? 256 : 2048);
  const auto type = static_cast<Type>(at(0));
  const bool known = is_1_3_ ? type == Type::kData : type >= Type::kAlert && type <= Type::kData;
  if (!known || at(kLegacyVersionAt) != 3) return TlsAlert::kUnexpectedMessage;
  if (content > most) return TlsAlert::kRecordOverflow;
  if (content < least) return TlsAlert::kBadRecordMac;
  return kHeaderBytes + content;
}

std::variant<TlsTraffic::Opened, TlsAlert> TlsTraffic::open(std::span<char> record) {
  const std::size_t begin = kHeaderBytes + explicit_bytes();
  std::size_t size = record.size() - begin - kTagBytes;
  Nonce nonce = this->nonce();
  std::copy_n(record.begin() + kHeaderBytes, explicit_bytes(),
              nonce.end() - static_cast<std::ptrdiff_t>(explicit_bytes()));
  std::array<unsigned char, 16> aad;
  const std::size_t aad_bytes = put_aad(record.data(), size, aad.data());
  unsigned char* const content = bytes_of(record.data() + begin);
  EVP_CIPHER_CTX* const context = working_context();
  int done = 0;
  const bool genuine =
      EVP_DecryptInit_ex2(context, fetched(static_cast<std::size_t>(suite_)), key_.data(),
                          nonce.data(), nullptr) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &done, aad.data(), static_cast<int>(aad_bytes)) == 1 &&
      (size == 0 ||
       EVP_DecryptUpdate(context, content, &done, content, static_cast<int>(size)) == 1) &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, content + size) == 1 &&
      EVP_DecryptFinal_ex(context, content + size, &done) == 1;
  if (!genuine) return TlsAlert::kBadRecordMac;
  ++sequence_;
  // Of TLS 1.3 padding counts, too (RFC 8446 section 5.4).
  if (size > kPlainBytesMax + (is_1_3_ ? 1 : 0)) return TlsAlert::kRecordOverflow;
  auto type = static_cast<Type>(record[0]);
  if (is_1_3_) {  // The type is the last byte that is not padding.
    while (size > 0 && content[size - 1] == 0) --size;
    if (size == 0) return TlsAlert::kUnexpectedMessage;
    type = static_cast<Type>(content[--size]);
  }
  return Opened{type, record.subspan(begin, size)};
}

}  // namespace bide
