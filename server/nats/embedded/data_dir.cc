#include "server/nats/embedded/data_dir.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <thread>

#include "core/base/start_error.h"

namespace bide {
namespace {

namespace fs = std::filesystem;

constexpr off_t kLogBytesMax = 10'000'000;
constexpr off_t kLogReserveBytes = 65'536;
constexpr std::size_t kTailLines = 3;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::string cannot(const char* what, const fs::path& file) {
  return std::string("cannot ") + what + " " + file.string() + ": " +
         (errno == EPERM   ? "it is no file that is yours alone"
          : errno == ELOOP ? "it is a symbolic link"
                           : std::strerror(errno));
}

// Whether the process whose id is in the lock file is a running bide. Process ids are reused, so
// its name is checked. This process's own id was written in another container, where bide is
// process 1, too: nothing is known about that one.
bool is_running_bide(const std::string& pid) {
  return !pid.empty() && pid.find_first_not_of("0123456789") == std::string::npos &&
         pid != std::to_string(::getpid()) &&
         first_line("/proc/" + pid + "/comm").starts_with("bide");
}

// Binds `wanted` (0: any) on 127.0.0.1, and frees it at once. Returns the port; 0: it is in use.
std::uint16_t probe_port(std::uint16_t wanted) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(wanted);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : std::uint16_t{0};
}

}  // namespace

int lock_data_dir(const PrivateDir& dir, std::chrono::milliseconds patience) {
  const fs::path file = dir.path_of("lock");
  const int fd = dir.open_file("lock", O_RDWR | O_CREAT);
  if (fd < 0) throw StartError(cannot("open", file) + "; choose another --data-dir");
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::string owner = dir.first_line("lock").value_or("");
    if (is_running_bide(owner) || std::chrono::steady_clock::now() > end) {
      ::close(fd);
      throw StartError("the data directory " + file.parent_path().string() +
                       " is in use by process " + owner +
                       "; stop that one, or choose another --data-dir");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    const std::string why = cannot("write", file);
    ::close(fd);
    throw StartError(why);
  }
  return fd;
}

std::uint16_t choose_port(const PrivateDir& dir, const std::string& name) {
  const std::string last = dir.first_line(name).value_or("");
  std::uint16_t port = 0;
  std::from_chars(last.data(), last.data() + last.size(), port);
  if (port != 0) port = probe_port(port);
  if (port == 0) port = probe_port(0);
  if (port == 0) throw StartError("no free port on 127.0.0.1 for nats-server");
  replace_or_throw(dir, name, std::to_string(port) + "\n");
  return port;
}

std::string choose_token(const PrivateDir& dir, const std::string& name) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string token = dir.first_line(name).value_or("");
  // The text is written unchanged into nats-server's configuration.
  if (token.size() == 32 && token.find_first_not_of(kDigits) == std::string::npos) return token;
  unsigned char random[16];
  if (::getrandom(random, sizeof random, 0) != sizeof random) {
    throw StartError("the kernel gives no random bytes for nats-server's token");
  }
  token.clear();
  for (const unsigned char byte : random) {
    token += kDigits[byte >> 4];
    token += kDigits[byte & 15];
  }
  replace_or_throw(dir, name, token + "\n");
  return token;
}

int open_log(const PrivateDir& dir, const std::string& name) {
  const int fd = dir.open_file(name, O_WRONLY | O_CREAT | O_APPEND);
  struct stat status {};
  const bool open = fd >= 0 && ::fstat(fd, &status) == 0 &&
                    (status.st_size <= kLogBytesMax || ::ftruncate(fd, 0) == 0);
  // Only open_file() must not block. nats-server's writes may, so that no line is lost.
  if (!open || ::fcntl(fd, F_SETFL, O_APPEND) != 0) {
    const std::string why = cannot("write", dir.path_of(name));
    if (fd >= 0) ::close(fd);
    throw StartError(why);
  }
  reserve_log(fd);
  return fd;
}

void reserve_log(int fd) {
  // What fails here would fail later, too.
  static_cast<void>(
      ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(log_size(fd)), kLogReserveBytes));
}

std::uintmax_t log_size(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uintmax_t>(status.st_size) : 0;
}

bool log_tells_write_error(const fs::path& file, std::uintmax_t& from) {
  constexpr std::string_view kLevel = " [ERR] ";
  std::ifstream stream(file);
  stream.seekg(static_cast<std::streamoff>(from));
  bool told = false;
  for (std::string line; std::getline(stream, line) && !stream.eof();) {
    from += line.size() + 1;
    // Only behind the level: clients choose their names, which are further back in some lines.
    const std::size_t level = line.find(kLevel);
    if (level == std::string::npos) continue;
    const std::string_view text = std::string_view(line).substr(level + kLevel.size());
    told = told || (text.starts_with("JetStream stream '") &&
                    text.find("' critical write error: ") != std::string_view::npos);
  }
  return told;
}

std::string tail_of(const fs::path& file) {
  std::ifstream stream(file);
  std::deque<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
    if (lines.size() > kTailLines) lines.pop_front();
  }
  std::string tail;
  for (const std::string& line : lines) tail += (tail.empty() ? "" : " | ") + line;
  return tail;
}

// Debian installs nats-server in /usr/sbin, which is not in the PATH of users and cron.
std::string program_path() {
  const char* const path = std::getenv("PATH");
  return std::string(path == nullptr ? "/usr/bin:/bin" : path) + ":/usr/local/sbin:/usr/sbin:/sbin";
}

std::string find_program(const std::string& name) {
  const std::string path = program_path();
  std::string_view rest = path;
  for (;;) {
    const std::size_t colon = rest.find(':');
    std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    std::error_code error;
    if (::access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate, error)) {
      return candidate;
    }
    if (colon == std::string_view::npos) return "";
    rest.remove_prefix(colon + 1);
  }
}

void replace_or_throw(const PrivateDir& dir, const std::string& name, const std::string& bytes) {
  if (const std::error_code error = dir.replace(name, bytes)) {
    throw StartError("cannot write " + dir.path_of(name).string() + ": " + error.message());
  }
}

}  // namespace bide
