// server/net/tls_handshake.h: The handshake of one TLS connection, the server's side: OpenSSL's, on
// a non-blocking socket. What comes out of it are the keys of either direction; OpenSSL's state is
// not needed any more then.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/c_handle.h"
#include "server/net/tls_traffic.h"

namespace bide {

struct TlsKeys {
  TlsTraffic in;   // The client's.
  TlsTraffic out;  // Ours.
  // Of a record of ours; less where the client asked for that (RFC 6066 section 4).
  std::size_t plain_bytes_max = TlsTraffic::kPlainBytesMax;
};

class TlsHandshake {
 public:
  // Once for a context, before its first handshake. After a handshake nothing is sent on the
  // session's own account: no tickets.
  static void prepare(SSL_CTX* context);

  // Keeps `context` alive. The socket stays the caller's, and must outlive this. Null: no memory.
  [[nodiscard]] static std::unique_ptr<TlsHandshake> make(SSL_CTX* context, int fd);
  ~TlsHandshake();
  TlsHandshake(const TlsHandshake&) = delete;
  TlsHandshake& operator=(const TlsHandshake&) = delete;

  enum class Step : std::uint8_t {
    kDone,
    kPending,    // Go on when the socket has news, or room (wants_room()).
    kGone,       // The client has left without a word.
    kPlainHttp,  // The client speaks HTTP without TLS; nothing has been sent.
    kFailed,     // trouble() says why. The client was sent an alert, if it came that far.
  };
  // Reads no byte behind the handshake's last.
  [[nodiscard]] Step step();
  [[nodiscard]] bool wants_room() const { return wants_room_; }
  // One line, of the latest kFailed.
  [[nodiscard]] std::string trouble() const { return trouble_; }

  // After kDone, once. nullopt: OpenSSL did something that is not understood here.
  [[nodiscard]] std::optional<TlsKeys> take_keys();

 private:
  struct Wire;  // Between OpenSSL and the socket.
  struct Secret {
    std::array<unsigned char, 48> bytes{};
    std::size_t size = 0;
  };

  explicit TlsHandshake(int fd) : fd_(fd) {}
  static void on_secret(const SSL* ssl, const char* line);
  std::optional<TlsKeys> keys_of_1_3() const;
  std::optional<TlsKeys> keys_of_1_2() const;

  const int fd_;
  CHandle<SSL, SSL_free> ssl_;
  bool heard_ = false;   // The client has sent anything at all.
  bool at_end_ = false;  // It sent its FIN.
  bool wants_room_ = false;
  Secret client_;  // Of TLS 1.3: the traffic secrets.
  Secret server_;
  std::string trouble_;
};

}  // namespace bide
