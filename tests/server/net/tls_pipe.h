// tests/server/net/tls_pipe.h: A TLS client whose bytes a test controls: sent in pieces, damaged,
// or as records that OpenSSL would not send.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "tests/server/served_table.h"

namespace bide::testing {

using EvpCipherCtxPtr = CHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

// Seals a client's records of TLS 1.3 with AES-128-GCM (RFC 8446 section 5.2), of any type and
// content.
class TlsSealer {
 public:
  // `secret`: the client's traffic secret.
  explicit TlsSealer(const std::string& secret)
      : key_(derived(secret, "key", 16)), iv_(derived(secret, "iv", 12)) {}

  std::string seal(int type, std::string_view bytes) {
    const std::string inner = std::string(bytes) + static_cast<char>(type);
    std::string nonce = iv_;
    nonce[11] = static_cast<char>(nonce[11] ^ static_cast<char>(sequence_ & 0xFF));
    nonce[10] = static_cast<char>(nonce[10] ^ static_cast<char>(sequence_ >> 8));
    ++sequence_;
    const std::size_t size = inner.size() + kTagBytes;
    std::string record("\x17\3\3", 3);
    record += {static_cast<char>(size >> 8), static_cast<char>(size)};
    const EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    std::string sealed(size, '\0');
    int done = 0;
    EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, bytes_of(key_), bytes_of(nonce));
    EVP_EncryptUpdate(context.get(), nullptr, &done, bytes_of(record),
                      static_cast<int>(record.size()));
    EVP_EncryptUpdate(context.get(), bytes_of(sealed), &done, bytes_of(inner),
                      static_cast<int>(inner.size()));
    EVP_EncryptFinal_ex(context.get(), bytes_of(sealed) + inner.size(), &done);
    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                        bytes_of(sealed) + inner.size());
    return record + sealed;
  }

 private:
  static constexpr int kTagBytes = 16;
  static unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
  }
  static const unsigned char* bytes_of(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  // HKDF-Expand-Label (RFC 8446 section 7.1) of no more than a hash.
  static std::string derived(const std::string& secret, std::string_view label, std::size_t bytes) {
    std::string info{'\0', static_cast<char>(bytes), static_cast<char>(6 + label.size())};
    info.append("tls13 ").append(label).append({'\0', '\1'});
    std::string hash(32, '\0');
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(info), info.size(),
         bytes_of(hash), nullptr);
    return hash.substr(0, bytes);
  }

  const std::string key_;
  const std::string iv_;
  unsigned sequence_ = 0;
};

class TlsPipe {
 public:
  // `piece_bytes`: of one send(); 0: all at once.
  TlsPipe(std::uint16_t port, const TlsDialer& dialer, std::size_t piece_bytes)
      : wire_(port, 0, nullptr),
        piece_bytes_(piece_bytes),
        ssl_(SSL_new(dialer.context()), SSL_free) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_ciphersuites(ssl_.get(), "TLS_AES_128_GCM_SHA256");  // See TlsSealer.
    SSL_set_connect_state(ssl_.get());
    SSL_set_app_data(ssl_.get(), this);
    SSL_CTX_set_keylog_callback(dialer.context(), keep_secret);
  }

  [[nodiscard]] bool shake() {
    for (;;) {
      ERR_clear_error();
      const int result = SSL_do_handshake(ssl_.get());
      flush();
      if (result == 1) return true;
      if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ || !feed()) return false;
    }
  }
  void send(std::string_view bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    flush();
  }
  // The bytes that send() would have sent.
  std::string encrypted(std::string_view bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return take_out();
  }
  void send_raw(std::string_view bytes) const { wire_.send_raw(bytes); }
  void send_fin() const { wire_.half_close(); }
  // One record's data; empty: the server is gone.
  std::string receive() {
    std::array<char, 65536> buffer;
    for (;;) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (got > 0) return {buffer.data(), static_cast<std::size_t>(got)};
      if (SSL_get_error(ssl_.get(), got) != SSL_ERROR_WANT_READ || !feed()) return "";
    }
  }
  // A record of TLS 1.3 with this content. `type`: SSL3_RT_…. Not together with send().
  [[nodiscard]] std::string sealed(int type, std::string_view bytes) {
    if (sealer_ == nullptr) sealer_ = std::make_unique<TlsSealer>(secret_);
    return sealer_->seal(type, bytes);
  }
  // The server says nothing more, and closes.
  [[nodiscard]] bool ends() {
    while (wire_.more()) continue;
    wire_.received().clear();
    return wire_.at_end();
  }

 private:
  static void keep_secret(const SSL* ssl, const char* line) {
    const std::string_view text = line;
    if (!text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) return;
    std::string& secret = static_cast<TlsPipe*>(SSL_get_app_data(ssl))->secret_;
    for (std::size_t i = text.rfind(' ') + 1; i + 1 < text.size(); i += 2) {
      secret += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
    }
  }
  std::string take_out() {
    std::array<char, 65536> buffer;
    BIO* const out = SSL_get_wbio(ssl_.get());
    const int size = BIO_read(out, buffer.data(), static_cast<int>(buffer.size()));
    return {buffer.data(), static_cast<std::size_t>(std::max(size, 0))};
  }
  void flush() {
    const std::string bytes = take_out();
    std::string_view left = bytes;
    while (!left.empty()) {
      const std::string_view piece = left.substr(0, piece_bytes_ == 0 ? left.size() : piece_bytes_);
      wire_.send(piece);
      left.remove_prefix(piece.size());
    }
  }
  bool feed() {
    if (!wire_.more()) return false;
    std::string& bytes = wire_.received();
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    bytes.clear();
    return true;
  }

  Client wire_;
  std::size_t piece_bytes_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  std::string secret_;
  std::unique_ptr<TlsSealer> sealer_;
};

}  // namespace bide::testing
