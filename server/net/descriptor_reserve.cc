#include "server/net/descriptor_reserve.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace bide {

std::size_t descriptors_for_clients() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return SIZE_MAX;
  return limit.rlim_cur - std::min<rlim_t>(kReservedDescriptors, limit.rlim_cur / 4);
}

bool is_below_reserve(int fd) { return static_cast<std::size_t>(fd) < descriptors_for_clients(); }

int moved_below_reserve(int fd) {
  const int lowest = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (lowest < 0) return fd;
  const bool moved = is_below_reserve(lowest);
  ::close(moved ? fd : lowest);
  return moved ? lowest : fd;
}

}  // namespace bide
