#include "client/unreachable.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "client/unix_socket.h"

namespace bide {
namespace {

constexpr int kPatienceMs = 500;

// The value of errno; 0: connected, or not known in time.
int error_of_connecting(const addrinfo& to) {
  const int fd = ::socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = ::connect(fd, to.ai_addr, to.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd ready{fd, POLLOUT, 0};
    socklen_t size = sizeof error;
    const bool known = ::poll(&ready, 1, kPatienceMs) == 1 &&
                       ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0;
    if (!known) error = 0;
  }
  ::close(fd);
  return error;
}

std::string text_of_error(int error) {
  if (error == ECONNREFUSED) return "connection refused (does `bide serve` run there?)";
  std::string text = std::strerror(error);
  if (error == ENOENT) text += " (does `bide serve` run there?)";
  if (error == EACCES) text += " (--listen-mode of `bide serve` says who may connect)";
  return text;
}

}  // namespace

std::string why_unreachable(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int fault = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (fault != 0) {
    return "the name " + host + " does not resolve (" + ::gai_strerror(fault) +
           "); is it spelled right?";
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  // The first address is enough: the others are of the same machine, or refused alike.
  const int error = list == nullptr ? 0 : error_of_connecting(*list);
  if (error == 0) return {};
  return text_of_error(error);
}

std::string why_unreachable(const std::string& socket_path) {
  int fd = -1;
  const int error = connect_to_unix(socket_path, fd);
  if (error == 0) ::close(fd);
  return error == 0 ? "" : text_of_error(error);
}

}  // namespace bide
