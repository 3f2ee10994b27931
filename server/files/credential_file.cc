#include "server/files/credential_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "server/files/descriptor.h"

namespace bide {
namespace {

std::string system_trouble(const std::filesystem::path& file) {
  return file.string() + ": cannot be read: " + std::generic_category().message(errno);
}

// How much was read; less than `size` at the end of the file only. -1: see errno.
ssize_t read_all(int fd, char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd, into + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

CredentialText::~CredentialText() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

std::variant<CredentialText, std::string> read_credential_file(const std::filesystem::path& file,
                                                               std::size_t bytes_max) {
  // O_NONBLOCK: opening a pipe would wait for its writer.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) return system_trouble(file);
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) return system_trouble(file);
  if (!S_ISREG(status.st_mode)) return file.string() + ": is not a regular file; give one";
  const auto too_large = [&] {
    return file.string() + ": is larger than " + std::to_string(bytes_max) +
           " bytes; is it the right file?";
  };
  if (std::cmp_greater(status.st_size, bytes_max)) return too_large();

  // One more than it has: it may grow meanwhile, and is taken again when its stamp changed.
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');
  const ssize_t got = read_all(descriptor.get(), bytes.data(), bytes.size());
  if (got < 0) return system_trouble(file);
  bytes.resize(static_cast<std::size_t>(got));
  if (bytes.size() > bytes_max) return too_large();
  return CredentialText(std::move(bytes));
}

}  // namespace bide
