#include "server/metrics/process_figures.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace bide {
namespace {

constexpr auto kToLineEnd = std::numeric_limits<std::streamsize>::max();

double seconds_of(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// The boot time of the machine, in Unix time. 0: unknown.
std::uint64_t boot_time() {
  std::ifstream file("/proc/stat");
  std::string name;
  while (file >> name) {
    std::uint64_t value = 0;
    if (name == "btime" && file >> value) return value;
    file.ignore(kToLineEnd, '\n');
  }
  return 0;
}

// proc(5), /proc/pid/stat. The name is in parentheses and may contain anything, so fields are
// counted from behind it: state (3), ..., utime (14), stime (15), ..., num_threads (20), ...,
// starttime (22), vsize (23), rss (24).
void read_stat(ProcessFigures& figures) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return;
  std::uint64_t ticks = 0;
  std::uint64_t started = 0;
  std::size_t at = name_end + 4;  // The fourth field.
  for (int field = 4; field <= 24 && at < line.size(); ++field) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    // Fields that are not used here may be negative: they wrap.
    const std::uint64_t value = std::strtoull(line.c_str() + at, nullptr, 10);
    if (field == 14 || field == 15) ticks += value;
    if (field == 20) figures.threads = value;
    if (field == 22) started = value;
    if (field == 23) figures.virtual_bytes = value;
    if (field == 24) figures.resident_bytes = value * static_cast<std::uint64_t>(::getpagesize());
    at = end + 1;
  }
  figures.cpu_seconds = seconds_of(ticks);
  const std::uint64_t booted = boot_time();
  if (booted != 0) figures.start_time_seconds = static_cast<double>(booted) + seconds_of(started);
}

std::uint64_t count_fds() {
  struct stat info {};
  // Since Linux 6.2 the directory's size is the number of open descriptors.
  if (::stat("/proc/self/fd", &info) == 0 && info.st_size > 0) {
    return static_cast<std::uint64_t>(info.st_size);
  }
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t entries = 0;
  while (::readdir(directory) != nullptr) ++entries;
  ::closedir(directory);
  return entries > 3 ? entries - 3 : 0;  // Without `.`, `..` and the directory's own descriptor.
}

}  // namespace

ProcessFigures process_figures() {
  ProcessFigures figures;
  read_stat(figures);
  figures.open_fds = count_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.max_fds = limit.rlim_cur;
  return figures;
}

}  // namespace bide
