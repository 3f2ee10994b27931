#include "server/net/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

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
  message.msg_iovlen = std::min(parts.size(), kPiecesMax);
  return result_of(::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

Ahead look_ahead(int fd) {
  char byte;
  const ssize_t got = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return Ahead::kInput;
  if (got == 0) return Ahead::kFin;
  return errno == EAGAIN || errno == EINTR ? Ahead::kNothing : Ahead::kReset;
}

// What OpenSSL has read from the socket: epoll may not tell of it any more.
void note_what_was_read(Connection& connection, bool data) {
  const TlsStream& tls = *connection.tls;
  if (data || tls.has_more()) connection.note(Connection::kInput);
  if (tls.ended()) connection.note(Connection::kFin);
  if (tls.broken()) connection.note(Connection::kReset);
}

}  // namespace

ssize_t receive(Connection& connection, std::span<char> buffer) {
  if (connection.tls == nullptr) {
    const ssize_t got = ::recv(connection.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == static_cast<ssize_t>(buffer.size())) connection.note(Connection::kInput);
    return got;
  }
  const ssize_t got = connection.tls->receive(buffer);
  note_what_was_read(connection, false);
  return got;
}

ssize_t transmit(Connection& connection, std::span<const std::string_view> pieces) {
  if (connection.tls != nullptr) return connection.tls->transmit(pieces);
  return send_pieces(connection.fd, pieces);
}

Ahead look_ahead(Connection& connection) {
  if (connection.tls == nullptr) return look_ahead(connection.fd);
  const int got = connection.tls->peek();
  note_what_was_read(connection, got > 0);
  if (got > 0) return Ahead::kInput;
  if (got == 0) return Ahead::kFin;
  return connection.tls->broken() ? Ahead::kReset : Ahead::kNothing;
}

bool say_end(Connection& connection) {
  if (connection.tls != nullptr && !connection.tls->say_end()) return false;
  connection.tls.reset();  // What is still to come is thrown away as it is.
  ::shutdown(connection.fd, SHUT_WR);
  return true;
}

}  // namespace bide
