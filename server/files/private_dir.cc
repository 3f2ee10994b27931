#include "server/files/private_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/files/descriptor.h"

namespace bide {
namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr std::size_t kLineBytesMax = 4096;

std::error_code last_error() { return {errno, std::generic_category()}; }

std::error_code write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string octal(mode_t mode) {
  std::string digits = "0";
  for (const int shift : {6, 3, 0}) digits += static_cast<char>('0' + (mode >> shift & 7));
  return digits;
}

bool is_link(int parent, const std::string& name) {
  struct stat status {};
  return ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

// The problem. Empty: none.
std::string find_fault(const struct stat& status, const std::filesystem::path& path) {
  if (status.st_uid != ::geteuid()) {
    return path.string() + " belongs to user " + std::to_string(status.st_uid) +
           ", and bide runs as " + std::to_string(::geteuid()) +
           "; choose a folder of your own, a new one inside it perhaps";
  }
  if ((status.st_mode & kOthersWrite) != 0) {
    return "others may write to " + path.string() + " (mode " + octal(status.st_mode) +
           "); look at what is in there and `chmod go-w` it, or choose a new folder inside it";
  }
  return "";
}

}  // namespace

std::variant<PrivateDir, PrivateDir::Fault> PrivateDir::open(const std::filesystem::path& path) {
  // With a slash at the end, open(2) would follow a link.
  std::filesystem::path plain = path.lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();
  return open_at(AT_FDCWD, plain.string(), plain);
}

std::variant<PrivateDir, PrivateDir::Fault> PrivateDir::make(const std::filesystem::path& path) {
  std::filesystem::path plain = path.lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();
  std::error_code error;
  if (plain.has_parent_path()) std::filesystem::create_directories(plain.parent_path(), error);
  if (error) return Fault{"cannot create " + plain.parent_path().string() + ": " + error.message()};
  if (::mkdir(plain.c_str(), 0700) != 0 && errno != EEXIST) {
    return Fault{"cannot create " + plain.string() + ": " + std::strerror(errno)};
  }
  return open_at(AT_FDCWD, plain.string(), plain);
}

std::variant<PrivateDir, PrivateDir::Fault> PrivateDir::make_inside(const std::string& name) const {
  if (::mkdirat(fd_, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return Fault{"cannot create " + path_of(name).string() + ": " + std::strerror(errno)};
  }
  return open_at(fd_, name, path_of(name));
}

std::variant<PrivateDir, PrivateDir::Fault> PrivateDir::open_at(int parent, const std::string& name,
                                                                const std::filesystem::path& path) {
  PrivateDir dir(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                 path);
  if (dir.fd_ < 0) {
    const std::string why = std::strerror(errno);
    if (is_link(parent, name)) {
      return Fault{path.string() + " is a symbolic link; name the folder that it leads to"};
    }
    return Fault{"cannot open " + path.string() + ": " + why};
  }
  struct stat status {};
  if (::fstat(dir.fd_, &status) != 0) {
    return Fault{"cannot look at " + path.string() + ": " + std::strerror(errno)};
  }
  if (std::string fault = find_fault(status, path); !fault.empty()) return Fault{std::move(fault)};
  return dir;
}

PrivateDir::PrivateDir(PrivateDir&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

PrivateDir& PrivateDir::operator=(PrivateDir&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

PrivateDir::~PrivateDir() {
  if (fd_ >= 0) ::close(fd_);
}

int PrivateDir::open_file(const std::string& name, int flags) const {
  // Non-blocking: opening a pipe without a writer would block before it can be checked.
  const int fd =
      ::openat(fd_, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  if (fd < 0) return -1;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && find_fault(status, "").empty()) {
    return fd;
  }
  ::close(fd);
  errno = EPERM;
  return -1;
}

std::optional<std::string> PrivateDir::first_line(const std::string& name) const {
  const Descriptor file(open_file(name, O_RDONLY));
  if (file.get() < 0) return std::nullopt;
  std::array<char, kLineBytesMax> bytes{};
  const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
  if (got <= 0) return std::nullopt;
  const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
  const std::string_view line = text.substr(0, text.find('\n'));
  return line.empty() ? std::nullopt : std::optional<std::string>(line);
}

std::error_code PrivateDir::replace(const std::string& name, std::string_view bytes) const {
  const std::string draft = name + ".new";
  // Unlinked first, because a draft left by a crash may have another mode. O_EXCL follows no link.
  remove(draft);
  const int fd = open_file(draft, O_WRONLY | O_CREAT | O_EXCL);
  if (fd < 0) return last_error();
  std::error_code error = write_all(fd, bytes);
  if (::close(fd) != 0 && !error) error = last_error();
  if (!error) error = rename(draft, name);
  if (error) remove(draft);
  return error;
}

bool PrivateDir::names(const std::string& name, int fd) const {
  struct stat named {};
  struct stat opened {};
  return ::fstatat(fd_, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

std::error_code PrivateDir::rename(const std::string& from, const std::string& to) const {
  if (::renameat(fd_, from.c_str(), fd_, to.c_str()) != 0) return last_error();
  return {};
}

void PrivateDir::remove(const std::string& name) const { ::unlinkat(fd_, name.c_str(), 0); }

}  // namespace bide
