// server/net/tls_stream.h: TLS on one connection's socket, the server's side: OpenSSL's handshake
// and records.
//
// No call blocks. A call that cannot go on, because the socket has no input or no room, says so;
// the caller rests the connection and calls again later. epoll knows the socket only: has_more()
// and drained() tell of input that OpenSSL has read from it and the caller has not taken.
//
// receive() and peek() also process records that carry no data: key updates (RFC 8446 section
// 4.6.3), warnings, empty records, close_notify. A key update that asks for one of ours gets it at
// our next data, or earlier. More than kBarrenRecordsMax records without data in a row end the
// connection, and so does a handshake message that is cut into several records. Offers to
// renegotiate (TLS 1.2) are declined.
//
// Memory, beyond a plain connection: some 45 KB during the handshake, 13 to 15 KB afterwards. A
// part of a record that has arrived, or that the socket has not taken, costs 17 KB more until it is
// complete.
//
// Thread safety: none. OpenSSL's SSL object must be used by one thread at a time: that of the
// connection's owner (server/net/connection.h). Ownership is handed over by an atomic operation,
// so one owner sees what the last one did.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/c_handle.h"

namespace bide {

class TlsStream {
 public:
  static constexpr int kBarrenRecordsMax = 32;
  // Records under one key: then TLS 1.3's is updated, and a connection of TLS 1.2 should end. The
  // standards allow 2^24.5 (RFC 8446 section 5.5; RFC 9325 section 4.4).
  static constexpr std::uint32_t kRecordsPerKey = 1 << 16;

  // Before the handshake. Keeps `context` alive. The socket stays the caller's and must outlive the
  // stream. `generation`: see below. Null: out of memory.
  [[nodiscard]] static std::unique_ptr<TlsStream> make(SSL_CTX* context, int fd,
                                                       std::uint32_t generation);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Step : std::uint8_t {
    kDone,
    kPending,    // Call again when the socket has input, or room where wants_room().
    kGone,       // The client left without having sent anything.
    kPlainHttp,  // The client speaks HTTP without TLS; nothing has been sent.
    kFailed,     // trouble() says why. The client was sent an alert, unless it left.
  };
  // Goes on with the handshake.
  [[nodiscard]] Step shake();
  // One line, of the latest kFailed.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

  // All below only after Step::kDone.

  // As recv(2). 0: the client's close_notify, or its FIN. -1 with errno EAGAIN: nothing more for
  // now. -1 with another errno: broken for good.
  [[nodiscard]] ssize_t receive(std::span<char> buffer);
  // 1: data waits to be received. Otherwise as receive().
  [[nodiscard]] int peek();
  // The last receive() or peek() stopped although there may be more input: no event will tell.
  [[nodiscard]] bool has_more() const { return has_more_; }
  // No decrypted data waits to be received, so whatever the socket brings may be news.
  [[nodiscard]] bool drained() const { return SSL_pending(ssl_.get()) == 0; }
  // The client has said that nothing follows. Data before that may still wait.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool broken() const { return broken_; }
  // Memory held for a record that is not complete or not received; 0: there is none.
  [[nodiscard]] std::size_t kept_bytes() const;

  // Sends the pieces as if they were one. Returns the bytes taken, perhaps 0; -1: broken. What was
  // not taken must be offered again from the same byte on, since OpenSSL may have encrypted it
  // already; more may follow it then.
  [[nodiscard]] ssize_t transmit(std::span<const std::string_view> pieces);
  // Our keys are worn, and TLS 1.2 cannot change them: the connection should end soon.
  [[nodiscard]] bool is_worn() const;
  // Sends close_notify. False: the socket has no room, call again. Nothing may be sent afterwards.
  [[nodiscard]] bool say_end();

  // The last call had to send something, such as a part of the handshake or our key update, and the
  // socket had no room.
  [[nodiscard]] bool wants_room() const { return wants_room_; }
  // For the front: epoll reports room.
  bool watched_for_room = false;

  // The generation of the TlsContext that accepted the client's certificate last.
  std::uint32_t generation;
  // By ALPN.
  [[nodiscard]] bool speaks_http2() const;
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

 private:
  struct Wire;  // Between OpenSSL and the socket.

  TlsStream(int fd, std::uint32_t generation_now) : generation(generation_now), fd_(fd) {}
  static void on_message(int ours, int version, int type, const void* bytes, std::size_t size,
                         SSL* ssl, void* self);
  void begin_call();
  // After a call of OpenSSL's that returned `result` and no data.
  void note_nothing_read(int result);
  void end_reading(bool may_be_buffered);
  // After a call of OpenSSL's that could not send. True: broken; false: there is no room.
  [[nodiscard]] bool fail_to_send(int result);
  [[nodiscard]] ssize_t nothing_received() const;

  const int fd_;
  bool heard_ = false;   // The client has sent anything at all.
  bool at_end_ = false;  // It has sent its FIN.
  bool dry_ = false;     // This call has read all that the socket had.
  bool has_more_ = false;
  bool established_ = false;  // The handshake is over.
  bool ended_ = false;
  bool broken_ = false;
  bool wants_room_ = false;
  std::uint16_t barren_records_ = 0;  // The client's, in a row, since data went either way.
  std::uint32_t records_sent_ = 0;    // Under the present key.
  std::size_t room_to_read_ = 0;      // What this call may still read from the socket.
  CHandle<SSL, SSL_free> ssl_;
  std::string trouble_;
};

}  // namespace bide
