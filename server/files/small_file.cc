#include "server/files/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "server/files/descriptor.h"

namespace bide {
namespace {

constexpr std::size_t kSmallFileBytesMax = 1 << 20;
constexpr std::size_t kFirstReadBytes = 4096;  // Most files have less.

}  // namespace

std::variant<std::string, Unreadable> read_small_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Unreadable{std::strerror(errno)};
  struct stat status {};
  // It opens like a file and only fails when read.
  if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode))
    return Unreadable{"a directory"};
  std::string bytes;
  std::size_t size = 0;
  while (size <= kSmallFileBytesMax) {
    if (size == bytes.size()) {
      bytes.resize(std::clamp(2 * size, kFirstReadBytes, kSmallFileBytesMax + 1));
    }
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable{std::strerror(errno)};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size == 0) return Unreadable{"empty"};
  if (size > kSmallFileBytesMax) return Unreadable{"larger than 1 MiB"};
  bytes.resize(size);
  bytes.shrink_to_fit();
  return bytes;
}

}  // namespace bide
