#include "server/files/small_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "server/files/descriptor.h"

namespace bide {
namespace {

// The number of bytes read; less than `size` only at the end of the file. nullopt: see errno.
std::optional<std::size_t> read_all(int fd, char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd, into + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

FileText::~FileText() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

std::variant<FileText, Unreadable> read_small_file(const std::filesystem::path& path,
                                                   FileLimits limits) {
  const auto trouble = [] { return Unreadable{std::strerror(errno)}; };
  // O_NONBLOCK, because opening a pipe would wait for its writer. Reading may wait for a writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return trouble();
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return trouble();
  const bool regular = S_ISREG(status.st_mode);
  if (limits.regular_only && !regular) return Unreadable{"not a regular file"};
  if (::fcntl(file.get(), F_SETFL, 0) != 0) return trouble();

  // One buffer for everything: a buffer that grows leaves parts of a secret behind. One byte beyond
  // the limit shows that the file is larger. The size of files in /proc is not known.
  const std::size_t expected =
      regular && status.st_size > 0 ? static_cast<std::size_t>(status.st_size) : limits.bytes_max;
  std::string bytes(std::min(expected, limits.bytes_max) + 1, '\0');
  const std::optional<std::size_t> got = read_all(file.get(), bytes.data(), bytes.size());
  if (!got) return trouble();
  if (*got > limits.bytes_max) {
    return Unreadable{"larger than " + std::to_string(limits.bytes_max >> 20U) + " MiB"};
  }
  const bool grew = *got == bytes.size();
  bytes.resize(*got);
  FileText text(std::move(bytes));
  if (grew) return Unreadable{"being written"};
  return text;
}

}  // namespace bide
