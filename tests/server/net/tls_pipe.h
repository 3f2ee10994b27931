// tests/server/net/tls_pipe.h: A TLS client that sends its bytes as it is told to: in pieces, or
// others than its session's.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/server/served_table.h"

namespace bide::testing {

class TlsPipe {
 public:
  // `piece_bytes`: of one send(); 0: all at once.
  TlsPipe(std::uint16_t port, const TlsDialer& dialer, std::size_t piece_bytes)
      : wire_(port, 0, nullptr),
        piece_bytes_(piece_bytes),
        ssl_(SSL_new(dialer.context()), SSL_free) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
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
  void send_raw(std::string_view bytes) const { wire_.send(bytes); }
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
  // What would be its next record if this was its data; TLS 1.3, and nothing sent so far.
  [[nodiscard]] std::string sealed(TlsTraffic::Type type, std::string_view bytes) {
    if (!traffic_) {
      traffic_ = TlsTraffic::of_1_3(
          SSL_get_current_cipher(ssl_.get()),
          {reinterpret_cast<const unsigned char*>(secret_.data()), secret_.size()});
    }
    std::string record;
    traffic_->seal(type, bytes, record);
    return record;
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
  void flush() {
    std::array<char, 65536> buffer;
    BIO* const out = SSL_get_wbio(ssl_.get());
    const int size = BIO_read(out, buffer.data(), static_cast<int>(buffer.size()));
    std::string_view left(buffer.data(), static_cast<std::size_t>(std::max(size, 0)));
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
  std::optional<TlsTraffic> traffic_;
};

}  // namespace bide::testing
