#include "server/net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace bide {
namespace {

// One call reads at most this from the socket, so that a client that sends without a pause does not
// keep the thread.
constexpr std::size_t kReadBytesPerCall = 65'536;
constexpr std::size_t kPlainBytesMax = SSL3_RT_MAX_PLAIN_LENGTH;  // Of one record.

bool may_succeed_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// The oldest error: the later ones only say where it passed through.
std::string first_error(SSL* ssl) {
  const unsigned long error = ERR_peek_error();
  const char* const reason = ERR_reason_error_string(error);
  if (reason == nullptr) return "the client left half-way";
  const long verdict = SSL_get_verify_result(ssl);
  if (ERR_GET_REASON(error) != SSL_R_CERTIFICATE_VERIFY_FAILED || verdict == X509_V_OK) {
    return reason;
  }
  return std::string(reason) + ": " + X509_verify_cert_error_string(verdict);
}

// Several pieces, read as if they were one.
class Plain {
 public:
  explicit Plain(std::span<const std::string_view> pieces) : left_(pieces) { skip(0); }

  void skip(std::size_t bytes) {
    while (!left_.empty() && bytes >= left_.front().size() - begin_) {
      bytes -= left_.front().size() - begin_;
      left_ = left_.subspan(1);
      begin_ = 0;
    }
    begin_ += bytes;
  }

  // The next record's worth; gathered where it does not lie in one piece.
  [[nodiscard]] std::string_view record() const {
    if (left_.empty()) return {};
    const std::string_view first = left_.front().substr(begin_);
    if (first.size() >= kPlainBytesMax || left_.size() == 1) return first.substr(0, kPlainBytesMax);
    thread_local std::array<char, kPlainBytesMax> gathered;
    std::size_t size = first.copy(gathered.data(), kPlainBytesMax);
    for (const std::string_view piece : left_.subspan(1)) {
      size += piece.copy(gathered.data() + size, kPlainBytesMax - size);
      if (size == kPlainBytesMax) break;
    }
    return {gathered.data(), size};
  }

 private:
  std::span<const std::string_view> left_;
  std::size_t begin_ = 0;  // Of the first one: this much has been read.
};

}  // namespace

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE when the client has closed,
// and cannot be told to stop reading.
struct TlsStream::Wire {
  static TlsStream& owner(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = owner(bio);
    if (stream.barren_records_ > kBarrenRecordsMax) return -1;
    if (stream.dry_ || stream.room_to_read_ == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t most = std::min(static_cast<std::size_t>(size), stream.room_to_read_);
    const ssize_t got = ::recv(stream.fd_, out, most, MSG_DONTWAIT);
    if (got < 0 && may_succeed_later()) {
      BIO_set_retry_read(bio);
    } else if (got < 0) {
      stream.broken_ = true;
    }
    // epoll is edge-triggered: it tells of what comes after a read that was not filled.
    stream.dry_ = got < static_cast<ssize_t>(most) && (got >= 0 || errno != EINTR);
    stream.at_end_ = got == 0;
    if (got > 0) {
      stream.heard_ = true;
      stream.room_to_read_ -= static_cast<std::size_t>(got);
    }
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = owner(bio);
    const ssize_t sent =
        ::send(stream.fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && may_succeed_later()) {
      BIO_set_retry_write(bio);
    } else if (sent < 0) {
      stream.broken_ = true;  // After a close_notify SSL_get_error() does not say so.
    }
    return static_cast<int>(sent);
  }

  static long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) return owner(bio).at_end_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // Never freed: the last stream may outlive every destructor of a static.
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* const wire = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
      BIO_meth_set_read(wire, read);
      BIO_meth_set_write(wire, write);
      BIO_meth_set_ctrl(wire, control);
      return wire;
    }();
    return made;
  }
};

std::unique_ptr<TlsStream> TlsStream::make(SSL_CTX* context, int fd, std::uint32_t generation) {
  std::unique_ptr<TlsStream> stream(new TlsStream(fd, generation));
  stream->ssl_.reset(SSL_new(context));
  BIO* const bio = BIO_new(Wire::method());
  if (stream->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, stream.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(stream->ssl_.get(), bio, bio);
  SSL_set_msg_callback(stream->ssl_.get(), on_message);
  SSL_set_msg_callback_arg(stream->ssl_.get(), stream.get());
  SSL_set_accept_state(stream->ssl_.get());
  return stream;
}

void TlsStream::on_message(int ours, int /*version*/, int type, const void* /*bytes*/,
                           std::size_t /*size*/, SSL* /*ssl*/, void* self) {
  auto& stream = *static_cast<TlsStream*>(self);
  if (ours == 0 && type == SSL3_RT_HEADER && stream.established_) ++stream.barren_records_;
}

void TlsStream::begin_call() {
  ERR_clear_error();  // OpenSSL judges by its thread's queue, where others may have left something.
  dry_ = has_more_ = wants_room_ = false;
  room_to_read_ = kReadBytesPerCall;
}

void TlsStream::note_nothing_read(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_WANT_WRITE:
      wants_room_ = true;
      return;
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return;
    default:
      broken_ = true;
  }
}

TlsStream::Step TlsStream::shake() {
  begin_call();
  room_to_read_ = SIZE_MAX;  // OpenSSL limits what a handshake may send.
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    return Step::kDone;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  wants_room_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || wants_room_) return Step::kPending;
  broken_ = true;
  if (!heard_) return Step::kGone;
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) return Step::kPlainHttp;
  trouble_ = first_error(ssl_.get());
  return Step::kFailed;
}

ssize_t TlsStream::nothing_received() const {
  if (!broken_ && ended_) return 0;
  errno = broken_ ? ECONNRESET : EAGAIN;
  return -1;
}

void TlsStream::end_reading(bool may_be_buffered) {
  // Part of a handshake message has come. OpenSSL would send nothing before the rest.
  if (SSL_in_init(ssl_.get()) == 1 && !wants_room_) broken_ = true;
  // A call that stopped for want of room is repeated when there is some.
  const bool more = !dry_ || (may_be_buffered && SSL_has_pending(ssl_.get()) == 1);
  has_more_ = more && !broken_ && !ended_ && !wants_room_;
}

ssize_t TlsStream::receive(std::span<char> buffer) {
  if (broken_) return nothing_received();
  begin_call();
  std::size_t got = 0;
  // Each SSL_read() takes a record at most.
  while (got < buffer.size() && (got == 0 || !dry_ || SSL_has_pending(ssl_.get()) == 1)) {
    const int read =
        SSL_read(ssl_.get(), buffer.data() + got, static_cast<int>(buffer.size() - got));
    if (read <= 0) {
      note_nothing_read(read);
      break;
    }
    barren_records_ = 0;
    got += static_cast<std::size_t>(read);
  }
  end_reading(got == buffer.size());
  return got > 0 ? static_cast<ssize_t>(got) : nothing_received();
}

int TlsStream::peek() {
  if (broken_) return static_cast<int>(nothing_received());
  begin_call();
  char byte = 0;
  const int got = SSL_peek(ssl_.get(), &byte, 1);
  if (got <= 0) note_nothing_read(got);
  end_reading(false);
  return got > 0 ? 1 : static_cast<int>(nothing_received());
}

std::size_t TlsStream::kept_bytes() const {
  // The second: the record's header has been taken out of the buffer, and nothing is behind it.
  const bool kept = established_ && (SSL_has_pending(ssl_.get()) == 1 ||
                                     std::string_view(SSL_rstate_string(ssl_.get())) == "RB");
  return kept ? SSL3_RT_MAX_PACKET_SIZE : 0;
}

// Sending never waits for input, because there is no renegotiation.
bool TlsStream::fail_to_send(int result) {
  wants_room_ = SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE;
  broken_ |= !wants_room_;
  return broken_;
}

ssize_t TlsStream::transmit(std::span<const std::string_view> pieces) {
  if (broken_) return -1;
  begin_call();
  Plain plain(pieces);
  std::size_t taken = 0;
  for (;;) {
    const std::string_view piece = plain.record();
    if (piece.empty()) return static_cast<ssize_t>(taken);
    if (records_sent_ >= kRecordsPerKey && SSL_version(ssl_.get()) == TLS1_3_VERSION &&
        SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1) {
      records_sent_ = 0;
    }
    ERR_clear_error();  // No key update while part of a record waits for room.
    const int sent = SSL_write(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
    if (sent <= 0) return fail_to_send(sent) ? -1 : static_cast<ssize_t>(taken);
    ++records_sent_;
    barren_records_ = 0;
    taken += static_cast<std::size_t>(sent);
    plain.skip(static_cast<std::size_t>(sent));
  }
}

bool TlsStream::speaks_http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size == 2 && name[0] == 'h' && name[1] == '2';
}

bool TlsStream::is_worn() const {
  return records_sent_ >= kRecordsPerKey && SSL_version(ssl_.get()) != TLS1_3_VERSION;
}

bool TlsStream::say_end() {
  if (broken_ || SSL_is_init_finished(ssl_.get()) != 1) return true;
  begin_call();
  const int said = SSL_shutdown(ssl_.get());
  return said >= 0 || fail_to_send(said);
}

}  // namespace bide
