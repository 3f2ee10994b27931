#include "server/descriptor_reserve.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace bide {

bool is_below_reserve(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
  const rlim_t reserved = std::min<rlim_t>(kReservedDescriptors, limit.rlim_cur / 4);
  return static_cast<rlim_t>(fd) < limit.rlim_cur - reserved;
}

int moved_below_reserve(int fd) {
  const int lowest = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (lowest < 0) return fd;
  const bool moved = is_below_reserve(lowest);
  ::close(moved ? fd : lowest);
  return moved ? lowest : fd;
}

}  // namespace bide
