#include "server/net/listener.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/client_address.h"
#include "core/base/start_error.h"

namespace bide {
namespace {

// How much the kernel takes of a response beyond what its client has room for. By default it takes
// 2 MB for a client that does not read, and the time to copy them: 500 such clients kept all others
// waiting for four seconds. A smaller SO_SNDBUF instead would make fast readers wait for delayed
// acknowledgements.
constexpr int kUnsentBytesMax = 65'536;

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

std::string_view advice(int error, const ListenAddress& address) {
  switch (error) {
    case EADDRINUSE:
      return "another program listens there; stop it or choose another --listen";
    case EACCES:
    case EPERM:
      return address.is_unix() ? "not permitted; bide must be allowed to write to its folder"
                               : "not permitted; ports below 1024 need a privilege, choose another "
                                 "--listen";
    case EADDRNOTAVAIL:
      return "this machine has no such address; check --listen";
    case ENOENT:
      return "its folder does not exist; create it or choose another --listen";
    case ENOTSOCK:
      return "a file that is no socket is there; remove it or choose another --listen";
    default:
      return "check --listen";
  }
}

[[noreturn]] void fail(const ListenAddress& address, std::string_view why,
                       std::string_view what_to_do) {
  throw StartError("cannot listen on " + text_of(address) + ": " + std::string(why) + "; " +
                   std::string(what_to_do));
}

[[noreturn]] void fail(const ListenAddress& address, int error) {
  fail(address, std::strerror(error), advice(error, address));
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  return at;
}

// Whether somebody accepts clients on this Unix socket, or may do so: if in doubt, it stays.
bool is_in_use(const sockaddr_un& at) {
  const int fd = ::socket(AF_UNIX, kSocketFlags, 0);
  if (fd < 0) return true;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  const bool refused = result != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

// Removes a Unix socket that a program has left behind. Returns errno, or 0.
int clear_way(const sockaddr_un& at) {
  struct stat there {};
  if (::lstat(at.sun_path, &there) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(there.st_mode)) return ENOTSOCK;
  if (is_in_use(at)) return EADDRINUSE;
  return ::unlink(at.sun_path) == 0 ? 0 : errno;
}

// Returns errno, or 0.
int bind_and_listen(int fd, const sockaddr* at, socklen_t size) {
  return ::bind(fd, at, size) == 0 && ::listen(fd, SOMAXCONN) == 0 ? 0 : errno;
}

// SO_REUSEADDR alone: with SO_REUSEPORT a second server on the same port would start silently and
// take half of the clients.
void set_tcp_options(int fd, int family) {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int off = 0;
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
}

int open_tcp(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const int fault =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (fault != 0)
    fail(address, std::string("the name does not resolve (") + ::gai_strerror(fault) + ")",
         "check --listen");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, kSocketFlags, at->ai_protocol);
    if (fd < 0) {
      error = errno;
      continue;
    }
    set_tcp_options(fd, at->ai_family);
    error = bind_and_listen(fd, at->ai_addr, at->ai_addrlen);
    if (error == 0) return fd;
    ::close(fd);
  }
  fail(address, error);
}

int open_unix(const ListenAddress& address, mode_t mode) {
  const sockaddr_un at = unix_address(address.path);
  int error = clear_way(at);
  if (error != 0) fail(address, error);
  const int fd = ::socket(AF_UNIX, kSocketFlags, 0);
  if (fd < 0) fail(address, errno);
  // bind(2) creates the file with the permissions of the socket, less the umask; it is not listened
  // to before chmod(2).
  error = ::fchmod(fd, mode) == 0 ? 0 : errno;
  if (error == 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    error = errno;
  if (error == 0 && ::chmod(at.sun_path, mode) != 0) error = errno;
  if (error == 0 && ::listen(fd, SOMAXCONN) != 0) error = errno;
  if (error == 0) return fd;
  ::close(fd);
  fail(address, error);
}

// The address to which a socket is bound. Its host is empty if it is neither of TCP nor on a path.
ListenAddress bound_address(int fd) {
  ListenAddress address;
  sockaddr_storage found{};
  socklen_t size = sizeof found;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&found), &size) != 0) return address;
  if (found.ss_family == AF_UNIX) {
    const auto& at = reinterpret_cast<const sockaddr_un&>(found);
    const std::size_t most = size - offsetof(sockaddr_un, sun_path);
    address.path.assign(at.sun_path, ::strnlen(at.sun_path, most));
    return address;
  }
  address.host = ClientAddress::of(found).text();
  address.port = port_of(found);
  return address;
}

int socket_option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

ListenAddress passed_address(int fd) {
  const int family = socket_option(fd, SO_DOMAIN);
  const bool is_stream =
      socket_option(fd, SO_TYPE) == SOCK_STREAM && socket_option(fd, SO_ACCEPTCONN) == 1;
  ListenAddress address = bound_address(fd);
  const bool is_ours =
      family == AF_UNIX ? address.is_unix() : family == AF_INET || family == AF_INET6;
  if (!is_stream || !is_ours) {
    throw StartError(
        "descriptor " + std::to_string(fd) +
        ", passed by LISTEN_FDS: expected a listening socket of TCP, or a Unix socket on a path; "
        "in the .socket unit use ListenStream= and Accept=no");
  }
  address.passed_fd = fd;
  return address;
}

Listener::Listener(const ListenAddress& address, mode_t unix_mode)
    : address_(address), unix_mode_(unix_mode) {
  open();
}

Listener::Listener(Listener&& other) noexcept
    : address_(std::move(other.address_)),
      unix_mode_(other.unix_mode_),
      fd_(std::exchange(other.fd_, -1)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

Listener::~Listener() { close(); }

void Listener::open() {
  if (address_.passed_fd >= 0) {  // systemd shares it.
    fd_ = ::fcntl(address_.passed_fd, F_DUPFD_CLOEXEC, 0);
    if (fd_ < 0) fail(address_, errno);
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  } else if (address_.is_unix()) {
    fd_ = open_unix(address_, unix_mode_);
    struct stat made {};
    if (::stat(address_.path.c_str(), &made) == 0) {
      device_ = made.st_dev;
      inode_ = made.st_ino;
    }
  } else {
    fd_ = open_tcp(address_);
    address_.port = bound_address(fd_).port;
  }
  // What is accepted inherits it.
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytesMax, sizeof kUnsentBytesMax);
}

// The kernel resets those in the backlog, and those in the middle of the handshake, when a TCP
// socket is closed. So it drops further SYNs first.
void Listener::turn_away_newcomers() noexcept {
  if (fd_ < 0) return;
  remove_path();
  if (address_.is_unix()) return;
  constexpr unsigned kFlagsAt = 13;  // In the TCP header, where a packet begins for this filter.
  constexpr unsigned kSyn = 0x02;
  constexpr unsigned kAck = 0x10;
  std::array<sock_filter, 5> program{{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsAt),
                                      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, 0),
                                      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)}};
  const sock_fprog filter{program.size(), program.data()};
  ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void Listener::remove_path() noexcept {
  struct stat there {};
  const bool is_mine = inode_ != 0 && ::lstat(address_.path.c_str(), &there) == 0 &&
                       there.st_dev == device_ && there.st_ino == inode_;
  if (is_mine) ::unlink(address_.path.c_str());
  inode_ = 0;
}

void Listener::close() noexcept {
  if (fd_ < 0) return;
  remove_path();
  ::close(std::exchange(fd_, -1));
}

}  // namespace bide
