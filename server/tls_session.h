// server/tls_session.h: TLS on one connection's non-blocking socket, the server's side.
//
// Nothing here waits. What a call cannot finish because the socket has nothing, or no room, is gone
// on with by the next one; the caller rests the connection in between. Epoll tells of sockets only:
// what OpenSSL holds already is read until it has no more, or has_more() says that the caller is to
// come again without an event.
//
// Records that carry no data (key updates, close_notify) are dealt with by receive() and peek().
//
// Memory: OpenSSL's own state; its buffers of 17 KB each come and go with what they carry.
//
// Thread safety: none; belongs to its connection's owner.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bide {

class TlsSession {
 public:
  // Keeps `context` alive. The socket stays the caller's, and must outlive this. Null: no memory.
  [[nodiscard]] static std::unique_ptr<TlsSession> make(SSL_CTX* context, int fd);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  enum class Step : std::uint8_t {
    kDone,
    kPending,    // Go on when the socket has news.
    kGone,       // The client has left without a word.
    kPlainHttp,  // The client speaks HTTP without TLS; nothing has been sent.
    kFailed,     // trouble() says why. The client was sent an alert, if it came that far.
  };
  [[nodiscard]] Step shake();
  // One line, of the latest kFailed.
  [[nodiscard]] std::string trouble() const { return trouble_; }

  // After kDone. As recv(2): 0 is the client's close_notify or FIN; -1 with errno EAGAIN: nothing
  // more now; any other errno: broken for good. Fills the buffer as far as there is input.
  [[nodiscard]] ssize_t receive(std::span<char> buffer) { return read(buffer, false); }
  // The same, and leaves what it finds.
  [[nodiscard]] ssize_t peek(std::span<char> buffer) { return read(buffer, true); }
  // The last call stopped although there may be more: no event will tell of it.
  [[nodiscard]] bool has_more() const { return has_more_; }
  // The client has said that nothing follows. Data before that may still be here.
  [[nodiscard]] bool ended() const;
  // No data waits to be received: whatever the socket brings may be news.
  [[nodiscard]] bool drained() const { return SSL_pending(ssl_.get()) == 0; }
  // The last call has to send something before it can go on, and the socket had no room.
  [[nodiscard]] bool wants_to_send() const { return wants_to_send_; }

  // Sends the three as if they were one; bytes taken, of which at most one record is not yet with
  // the socket; -1: broken. What was not taken must be offered again, and may have grown.
  [[nodiscard]] ssize_t transmit(std::string_view text, std::string_view body,
                                 std::string_view tail);
  // Sends close_notify. False: the socket has no room; call again. Nothing may follow.
  [[nodiscard]] bool say_end();

  // The transport's note: for which events epoll was asked last.
  bool watched_for_room = false;

 private:
  // Between OpenSSL and the socket: never raises SIGPIPE, never reads for ever.
  struct Wire {
    int fd = -1;
    std::size_t bytes_left = 0;  // Of what one call may read.
    bool heard = false;          // The client has sent anything at all.
    bool empty = false;          // The socket has no more, as far as is known.
    bool at_end = false;         // It sent its FIN.
  };
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  struct WireMethod;

  explicit TlsSession(int fd) { wire_.fd = fd; }
  void begin_call();
  // What a call that returned `result` waits for; true: nothing, it is over.
  [[nodiscard]] bool is_stuck(int result);
  ssize_t read(std::span<char> buffer, bool peek);
  ssize_t write(std::string_view bytes);

  std::unique_ptr<SSL, Free> ssl_;
  Wire wire_;
  bool has_more_ = false;
  bool wants_to_send_ = false;
  bool broken_ = false;
  std::string trouble_;
};

}  // namespace bide
