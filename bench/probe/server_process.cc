#include "bench/probe/server_process.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "bench/kit/address.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

std::string proc(int pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

// The number behind `name` in a file of `name: number` lines.
std::int64_t line_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::stoll(line.substr(name.size()));
  }
  die("no " + name + " in " + path + "; is the server gone?");
}

}  // namespace

std::int64_t ServerProcess::pss_bytes() const {
  std::int64_t kib = 0;
  for (const int pid : pids_) kib += line_of(proc(pid, "smaps_rollup"), "Pss:");
  return kib * 1024;
}

// In ticks of 10 ms.
std::chrono::nanoseconds ServerProcess::cpu() const {
  std::int64_t nanoseconds = 0;
  for (const int pid : pids_) {
    std::ifstream file(proc(pid, "stat"));
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string field;
    for (int i = 3; i < 14; ++i) fields >> field;
    std::int64_t user = 0;
    std::int64_t system = 0;
    fields >> user >> system;
    nanoseconds += (user + system) * (1'000'000'000 / ::sysconf(_SC_CLK_TCK));
  }
  return std::chrono::nanoseconds(nanoseconds);
}

int ServerProcess::threads() const {
  std::int64_t threads = 0;
  for (const int pid : pids_) threads += line_of(proc(pid, "status"), "Threads:");
  return static_cast<int>(threads);
}

void ServerProcess::wait_quiet() const {
  const auto end = std::chrono::steady_clock::now() + 60s;
  auto before = cpu();
  for (int quiet = 0; quiet < 3;) {
    std::this_thread::sleep_for(100ms);
    const auto now = cpu();
    quiet = now - before <= 10ms ? quiet + 1 : 0;
    before = now;
    if (std::chrono::steady_clock::now() > end) die("the server does not come to rest");
  }
}

}  // namespace bench
