#include "server/data_dir.h"

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

#include "core/mutex.h"
#include "server/start_error.h"
#include "server/state_dir.h"

namespace bide {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLogBytesMax = 10'000'000;
constexpr std::size_t kTailLines = 3;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

// A bide that runs, by the process id it left in the lock file. Ids are reused: its name is asked.
bool is_running_bide(const std::string& pid) {
  return !pid.empty() && pid.find_first_not_of("0123456789") == std::string::npos &&
         first_line("/proc/" + pid + "/comm").starts_with("bide");
}

// The port that 127.0.0.1 gives for `wanted` (0: any), freed again at once; 0: taken.
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

void make_private_dir(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (!error && !fs::is_directory(dir, error))
    error = std::make_error_code(std::errc::not_a_directory);
  if (!error && ::access(dir.c_str(), W_OK | X_OK) != 0) error = {errno, std::generic_category()};
  if (error) {
    throw StartError("cannot write the data directory " + dir.string() + ": " + error.message() +
                     "; choose another with --data-dir, or use a running NATS with --nats");
  }
  fs::permissions(dir, fs::perms::owner_all, error);  // Best effort: it may belong to another user.
}

int lock_data_dir(const fs::path& dir, std::chrono::milliseconds patience) {
  const fs::path file = dir / "lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) throw StartError("cannot open " + file.string() + ": " + std::strerror(errno));
  const auto end = std::chrono::steady_clock::now() + patience;
  Mutex mutex;
  CondVar tick;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const std::string owner = first_line(file);
    if (is_running_bide(owner) || std::chrono::steady_clock::now() > end) {
      ::close(fd);
      throw StartError("the data directory " + dir.string() + " is in use by process " + owner +
                       "; stop that one, or choose another --data-dir");
    }
    MutexLock lock(mutex);
    tick.wait_until(mutex, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    const std::string why = std::strerror(errno);
    ::close(fd);
    throw StartError("cannot write " + file.string() + ": " + why);
  }
  return fd;
}

std::uint16_t choose_port(const fs::path& file) {
  const std::string last = first_line(file);
  std::uint16_t port = 0;
  std::from_chars(last.data(), last.data() + last.size(), port);
  if (port != 0) port = probe_port(port);
  if (port == 0) port = probe_port(0);
  if (port == 0) throw StartError("no free port on 127.0.0.1 for nats-server");
  write_or_throw(file, std::to_string(port) + "\n");
  return port;
}

std::string choose_token(const fs::path& file) {
  std::string token = first_line(file);
  if (token.size() == 32) return token;
  unsigned char random[16];
  if (::getrandom(random, sizeof random, 0) != sizeof random) {
    throw StartError("the kernel gives no random bytes for nats-server's token");
  }
  token.clear();
  for (const unsigned char byte : random) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  write_or_throw(file, token + "\n");
  return token;
}

int open_log(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(file, error);
  const int truncate = !error && bytes > kLogBytesMax ? O_TRUNC : 0;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | truncate, 0600);
  if (fd < 0) throw StartError("cannot write " + file.string() + ": " + std::strerror(errno));
  return fd;
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

std::string find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  for (;;) {
    const std::size_t colon = rest.find(':');
    std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate)) return candidate;
    if (colon == std::string_view::npos) return "";
    rest.remove_prefix(colon + 1);
  }
}

void write_or_throw(const fs::path& file, const std::string& bytes) {
  if (const std::error_code error = write_private_file(file, bytes)) {
    throw StartError("cannot write " + file.string() + ": " + error.message());
  }
}

}  // namespace bide
