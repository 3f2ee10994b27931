#include "server/files/state_dir.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace bide {
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

std::variant<std::string, PrivateDir::Fault> read_nats_url(const std::filesystem::path& dir) {
  const std::filesystem::path file = nats_url_file(dir);
  auto opened = PrivateDir::open(dir);
  if (auto* fault = std::get_if<PrivateDir::Fault>(&opened)) return std::move(*fault);
  errno = 0;
  auto url = std::get<PrivateDir>(opened).first_line(file.filename());
  if (url) return *std::move(url);
  const std::string why = errno == 0       ? "it is empty"
                          : errno == EPERM ? "it is no file that is yours alone"
                                           : std::strerror(errno);
  return PrivateDir::Fault{file.string() + " cannot be read: " + why};
}

}  // namespace bide
