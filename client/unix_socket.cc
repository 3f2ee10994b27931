#include "client/unix_socket.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace bide {

int connect_to_unix(const std::string& path, int& fd) {
  fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // Of connect(2), too, which waits while the server's queue is full (unix(7)).
  const timeval patience{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return 0;
  const int error = errno;
  ::close(fd);
  return error;
}

}  // namespace bide
