#include "server/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bide {
namespace {

// What one record holds at most, and so what one call encrypts.
constexpr std::size_t kRecordBytes = 16'384;
// What one call reads at most: a client that sends nothing but key updates gets its turn, no more.
constexpr std::size_t kReadBytesPerCall = 65'536;

bool may_come_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// The oldest of the errors: the later ones say where it came through.
std::string first_error() {
  const unsigned long code = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "the connection broke";
}

}  // namespace

struct TlsSession::WireMethod {
  static Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    Wire& wire = wire_of(bio);
    BIO_clear_retry_flags(bio);
    if (wire.empty || wire.bytes_left == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t room = std::min(static_cast<std::size_t>(size), wire.bytes_left);
    const ssize_t got = ::recv(wire.fd, out, room, MSG_DONTWAIT);
    if (got < 0 && may_come_later(errno)) {
      wire.empty = true;
      BIO_set_retry_read(bio);
      return -1;
    }
    wire.at_end = got == 0;
    if (got <= 0) return static_cast<int>(got);
    wire.heard = true;
    // The next event tells of what comes after a read that was not filled.
    wire.empty = static_cast<std::size_t>(got) < room;
    wire.bytes_left -= static_cast<std::size_t>(got);
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        ::send(wire_of(bio).fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && may_come_later(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }

  static long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    switch (command) {
      case BIO_CTRL_EOF:
        return wire_of(bio).at_end ? 1 : 0;
      case BIO_CTRL_FLUSH:
        return 1;
      default:
        return 0;
    }
  }

  // Never freed: the last session may outlive every destructor of a static.
  static const BIO_METHOD* get() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return method;
  }
};

std::unique_ptr<TlsSession> TlsSession::make(SSL_CTX* context, int fd) {
  std::unique_ptr<TlsSession> session(new TlsSession(fd));
  session->ssl_.reset(SSL_new(context));
  BIO* const bio = BIO_new(WireMethod::get());
  if (session->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, &session->wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_.get(), bio, bio);
  SSL_set_accept_state(session->ssl_.get());
  return session;
}

// OpenSSL judges a call by its thread's queue of errors, which others may have left something in.
void TlsSession::begin_call() {
  ERR_clear_error();
  wire_.bytes_left = kReadBytesPerCall;
  wire_.empty = false;
  has_more_ = wants_to_send_ = false;
}

bool TlsSession::is_stuck(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  has_more_ = error == SSL_ERROR_WANT_READ && wire_.bytes_left == 0;
  wants_to_send_ = error == SSL_ERROR_WANT_WRITE;
  return error == SSL_ERROR_WANT_READ || wants_to_send_;
}

TlsSession::Step TlsSession::shake() {
  begin_call();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Step::kDone;
  if (is_stuck(result)) return Step::kPending;
  broken_ = true;
  if (!wire_.heard) return Step::kGone;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (reason == SSL_R_HTTP_REQUEST) return Step::kPlainHttp;
  trouble_ = first_error();
  return Step::kFailed;
}

bool TlsSession::ended() const {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

ssize_t TlsSession::read(std::span<char> buffer, bool peek) {
  begin_call();
  std::size_t got = 0;
  while (!broken_ && got < buffer.size()) {
    const auto room = static_cast<int>(buffer.size() - got);
    const int result = peek ? SSL_peek(ssl_.get(), buffer.data() + got, room)
                            : SSL_read(ssl_.get(), buffer.data() + got, room);
    if (result > 0) {
      got += static_cast<std::size_t>(result);
      if (peek) break;
    } else if (is_stuck(result)) {
      errno = EAGAIN;
      return got > 0 ? static_cast<ssize_t>(got) : -1;
    } else if (ended()) {
      return static_cast<ssize_t>(got);
    } else {
      broken_ = true;
    }
  }
  if (got == 0) {
    errno = ECONNRESET;
    return -1;
  }
  has_more_ = !peek;
  return static_cast<ssize_t>(got);
}

// Of one record, all or nothing; 0: the socket has no room; -1: broken.
ssize_t TlsSession::write(std::string_view bytes) {
  begin_call();
  const int result = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (result > 0) return result;
  if (is_stuck(result)) return 0;
  broken_ = true;
  return -1;
}

ssize_t TlsSession::transmit(std::string_view text, std::string_view body, std::string_view tail) {
  std::array<std::string_view, 3> parts{text, body, tail};
  thread_local std::array<char, kRecordBytes> record;
  std::size_t taken = 0;
  for (;;) {
    if (broken_) return -1;
    std::string_view piece = parts[0].empty() ? parts[1] : parts[0];
    if (piece.size() < record.size()) {
      std::size_t size = 0;
      for (const std::string_view part : parts) {
        size += part.copy(record.data() + size, record.size() - size);
      }
      piece = {record.data(), size};
    }
    if (piece.empty()) return static_cast<ssize_t>(taken);
    const ssize_t sent = write(piece.substr(0, record.size()));
    if (sent < 0) return -1;
    if (sent == 0) return static_cast<ssize_t>(taken);
    taken += static_cast<std::size_t>(sent);
    std::size_t left = static_cast<std::size_t>(sent);
    for (std::string_view& part : parts) {
      const std::size_t of_part = std::min(left, part.size());
      part.remove_prefix(of_part);
      left -= of_part;
    }
  }
}

bool TlsSession::say_end() {
  if (broken_ || SSL_in_init(ssl_.get()) != 0) return true;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) return true;
  begin_call();
  const int result = SSL_shutdown(ssl_.get());
  return result >= 0 || !is_stuck(result);
}

}  // namespace bide
