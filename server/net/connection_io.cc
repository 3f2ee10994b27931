// How bytes travel over a connection: over its socket as they are, or over the TLS stream on it.
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>
#include <vector>

#include "server/net/connection.h"

namespace bide {
namespace {

// Bodies up to this size travel in one piece with their head: copying them costs less than what the
// kernel does for a second piece.
constexpr std::size_t kCopyBytesMax = 4096;

// Bytes the socket took; -1: the client is gone.
ssize_t result_of(ssize_t sent) {
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
}

ssize_t send_some(int fd, std::string_view text) {
  return result_of(::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

iovec part_of(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

ssize_t send_pieces(int fd, std::span<const std::string_view> pieces) {
  if (pieces.size() <= 1) return pieces.empty() ? 0 : send_some(fd, pieces.front());
  std::size_t behind_the_first = 0;
  for (const std::string_view piece : pieces.subspan(1)) behind_the_first += piece.size();
  if (behind_the_first <= kCopyBytesMax) {
    thread_local std::string whole;
    whole.clear();
    for (const std::string_view piece : pieces) whole += piece;
    return send_some(fd, whole);
  }
  thread_local std::vector<iovec> parts;
  parts.clear();
  for (const std::string_view piece : pieces) parts.push_back(part_of(piece));
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = std::min(parts.size(), Connection::kPiecesMax);
  return result_of(::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

Connection::Ahead look_ahead_on(int fd) {
  char byte;
  const ssize_t got = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return Connection::Ahead::kInput;
  if (got == 0) return Connection::Ahead::kFin;
  return errno == EAGAIN || errno == EINTR ? Connection::Ahead::kNothing
                                           : Connection::Ahead::kReset;
}

// Notes what OpenSSL has read from the socket, because epoll may not report it again.
void note_what_was_read(Connection& connection, bool data) {
  const TlsStream& tls = *connection.tls;
  if (data || tls.has_more()) connection.note(Connection::kInput);
  if (tls.ended()) connection.note(Connection::kFin);
  if (tls.broken()) connection.note(Connection::kReset);
}

}  // namespace

ssize_t Connection::receive(std::span<char> buffer) {
  if (tls == nullptr) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == static_cast<ssize_t>(buffer.size())) note(kInput);
    return got;
  }
  const ssize_t got = tls->receive(buffer);
  note_what_was_read(*this, false);
  return got;
}

ssize_t Connection::transmit(std::span<const std::string_view> pieces) {
  return tls != nullptr ? tls->transmit(pieces) : send_pieces(fd, pieces);
}

Connection::Ahead Connection::look_ahead() {
  if (tls == nullptr) return look_ahead_on(fd);
  const int got = tls->peek();
  note_what_was_read(*this, got > 0);
  if (got > 0) return Ahead::kInput;
  if (got == 0) return Ahead::kFin;
  return tls->broken() ? Ahead::kReset : Ahead::kNothing;
}

bool Connection::say_end() {
  if (tls != nullptr && !tls->say_end()) return false;
  tls.reset();  // Further input is discarded undecrypted.
  ::shutdown(fd, SHUT_WR);
  return true;
}

void Connection::close() noexcept {
  try {
    if (tls != nullptr && !broken) (void)tls->say_end();
  } catch (const std::bad_alloc&) {
    // Closed without close_notify.
  }
  tls.reset();
  ::close(fd);  // Takes it out of epoll, too.
  fd = -1;
  http2 = half_closed = broken = proxied = false;
  silent = true;
  phase = Phase::kReading;
  deadline = kEndOfTime;
  session.reset();
  exchange.address = {};
  exchange.facts() = {};
  exchange.forget_request();
}

}  // namespace bide
