// server/net/tls_traffic.h: One direction of a TLS connection after its handshake: what seals its
// records, or opens them (RFC 8446 section 5.2; for TLS 1.2 RFC 5246 section 6.2.3.3 with RFC 5288
// and 7905).
//
// OpenSSL does the cryptography, a record at a time: what is kept of a connection is its keys, and
// not OpenSSL's 13 KB of state. The same is what a kernel's TLS does.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace bide {

enum class TlsAlert : std::uint8_t {  // RFC 8446 section 6.
  kCloseNotify = 0,
  kUnexpectedMessage = 10,
  kBadRecordMac = 20,
  kRecordOverflow = 22,
  kIllegalParameter = 47,
  kUserCanceled = 90,
  kNoRenegotiation = 100,
};

class TlsTraffic {
 public:
  static constexpr std::size_t kHeaderBytes = 5;
  static constexpr std::size_t kPlainBytesMax = 16'384;  // Of one record.
  // Beyond it the sender is to change its keys: 2^24.5 at most (RFC 8446 section 5.5; RFC 9325
  // section 4.4 for TLS 1.2). Fewer cost nothing that could be measured.
  static constexpr std::uint64_t kRecordsPerKey = 1 << 16;

  enum class Type : std::uint8_t {
    kChangeCipherSpec = 20,
    kAlert = 21,
    kHandshake = 22,
    kData = 23
  };
  using Bytes = std::span<const unsigned char>;

  // nullopt: no cipher that bide agrees on. `secret` (RFC 8446 section 7.1): the traffic secret.
  [[nodiscard]] static std::optional<TlsTraffic> of_1_3(const SSL_CIPHER* cipher, Bytes secret);
  // `key_block` (RFC 5246 section 6.3): a whole one; of it the client's, or the server's half. The
  // handshake's last record was the first of these keys.
  [[nodiscard]] static std::optional<TlsTraffic> of_1_2(const SSL_CIPHER* cipher, Bytes key_block,
                                                        bool client);
  // What of_1_2() needs of a key block, at most.
  static constexpr std::size_t kKeyBlockBytesMax = 88;
  ~TlsTraffic();
  TlsTraffic(const TlsTraffic&) = default;
  TlsTraffic& operator=(const TlsTraffic&) = default;

  // Appends a record of `bytes`, kPlainBytesMax at most.
  void seal(Type type, std::string_view bytes, std::string& out);

  struct Opened {
    Type type;
    std::span<char> bytes;  // Within the record.
  };
  // The size of the record that begins with these kHeaderBytes, or why none may.
  [[nodiscard]] std::variant<std::size_t, TlsAlert> record_bytes(
      std::span<const char> header) const;
  // Opens a whole record in its place, or tells why it is none of this connection's.
  [[nodiscard]] std::variant<Opened, TlsAlert> open(std::span<char> record);

  // The next keys (RFC 8446 section 7.2); of TLS 1.3 only.
  void update();
  [[nodiscard]] bool is_1_3() const { return is_1_3_; }
  // For the sender: update() is due, or in TLS 1.2 the connection's end.
  [[nodiscard]] bool is_worn() const { return sequence_ >= kRecordsPerKey; }

 private:
  enum class Suite : std::uint8_t { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305 };
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  using Nonce = std::array<unsigned char, kNonceBytes>;

  TlsTraffic(Suite suite, bool is_1_3) : suite_(suite), is_1_3_(is_1_3) {}
  [[nodiscard]] static std::optional<Suite> suite_of(const SSL_CIPHER* cipher);
  [[nodiscard]] std::size_t key_bytes() const;
  // Of TLS 1.2 with AES-GCM: each record tells eight bytes of its nonce.
  [[nodiscard]] std::size_t explicit_bytes() const;
  [[nodiscard]] Nonce nonce() const;
  void derive_keys();
  void expand(std::string_view label, std::span<unsigned char> out) const;
  // What the tag covers besides the record's content: `header` is the record's, `plain_bytes` of
  // it.
  [[nodiscard]] std::size_t put_aad(const char* header, std::size_t plain_bytes,
                                    unsigned char* out) const;

  Suite suite_;
  bool is_1_3_;
  std::uint8_t secret_bytes_ = 0;  // Also of its hash.
  std::uint64_t sequence_ = 0;     // Of the next record.
  Nonce iv_{};
  std::array<unsigned char, 32> key_{};
  std::array<unsigned char, 48> secret_{};
};

}  // namespace bide
