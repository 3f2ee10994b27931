#include "server/state_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace bide {
namespace {

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

}  // namespace

std::filesystem::path state_dir_of(const char* xdg_state_home, const char* home) {
  if (xdg_state_home != nullptr && xdg_state_home[0] == '/') {
    return std::filesystem::path(xdg_state_home) / "bide";
  }
  if (home == nullptr || home[0] == '\0') return {};
  return std::filesystem::path(home) / ".local" / "state" / "bide";
}

std::filesystem::path default_state_dir() {
  return state_dir_of(std::getenv("XDG_STATE_HOME"), std::getenv("HOME"));
}

std::filesystem::path nats_url_file(const std::filesystem::path& dir) { return dir / "nats-url"; }

std::optional<std::string> read_nats_url(const std::filesystem::path& dir) {
  std::ifstream file(nats_url_file(dir));
  std::string url;
  if (!std::getline(file, url) || url.empty()) return std::nullopt;
  return url;
}

std::error_code write_private_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::string draft = path.string() + ".new";
  // Unlinked first: a draft left by a crash may have another mode, and O_EXCL follows no symlink.
  ::unlink(draft.c_str());
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return last_error();
  std::error_code error = write_all(fd, bytes);
  if (::close(fd) != 0 && !error) error = last_error();
  if (!error && std::rename(draft.c_str(), path.c_str()) != 0) error = last_error();
  if (error) ::unlink(draft.c_str());
  return error;
}

}  // namespace bide
