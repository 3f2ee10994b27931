#include "bench/kit/address.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/base/host_port.h"

namespace bench {

void die(const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  std::exit(1);
}

Address::Address(std::string_view text) {
  const std::optional<Address> parsed = parse(text);
  if (!parsed) {
    die("expected HOST:PORT with a numeric address like 127.0.0.1:8080, got: " + std::string(text));
  }
  *this = *parsed;
}

std::optional<Address> Address::parse(std::string_view text) {
  const auto parts = bide::split_host_port(text);
  const auto port = parts && parts->port ? bide::parse_port(*parts->port) : std::nullopt;
  if (!port) return std::nullopt;
  const std::string host(parts->host);
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.address_);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.address_);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(*port);
    address.size_ = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(*port);
    address.size_ = sizeof v6;
  } else {
    return std::nullopt;
  }
  return address;
}

int Address::open(int flags) const {
  const int fd = ::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) die(std::string("no socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

int Address::dial() const {
  const int fd = open(0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address_), size_) != 0) {
    die(std::string("cannot connect to the server: ") + std::strerror(errno));
  }
  return fd;
}

int Address::dial_begin() const {
  const int fd = try_dial_begin();
  if (fd < 0) die(std::string("cannot connect to the server: ") + std::strerror(errno));
  return fd;
}

int Address::try_dial_begin() const {
  const int fd = open(SOCK_NONBLOCK);
  const int begun = ::connect(fd, reinterpret_cast<const sockaddr*>(&address_), size_);
  if (begun == 0 || errno == EINPROGRESS) return fd;
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

void need_descriptors(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    die("needs " + std::to_string(wanted) + " descriptors, the limit is " +
        std::to_string(limit.rlim_cur) + "; raise `ulimit -Hn` or ask for fewer clients");
  }
}

}  // namespace bench
