// The settings of `bide serve`: whatever flags and file say, it is a usage error on one line, or
// every value is within its range.
//
// Input: flags, one a line; after a blank line the TOML file.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "server/settings/options.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;
using namespace std::chrono_literals;

namespace {

// A file that needs no disk.
std::string file_of(std::string_view bytes) {
  static const int file = memfd_create("settings", 0);
  const bool written = ftruncate(file, 0) == 0 && pwrite(file, bytes.data(), bytes.size(), 0) ==
                                                      static_cast<ssize_t>(bytes.size());
  demand(written, "memory can be written to");
  return "/proc/self/fd/" + std::to_string(file);
}

template <typename T>
void within(const T& value, const T& low, const T& high, const char* what) {
  demand(value >= low && value <= high, what);
}

void check(const ServeOptions& options) {
  within<std::size_t>(options.max_parked, 0, 10'000'000, "max_parked");
  within<std::chrono::milliseconds>(options.max_wait, 1s, 1h, "max_wait");
  within(options.wait_jitter, 0.0, 0.5, "wait_jitter");
  within<std::chrono::milliseconds>(options.settle, 0s, 10min, "settle");
  within<std::chrono::milliseconds>(options.max_stale, 2s, 1h, "max_stale");
  within<std::chrono::milliseconds>(options.stats_interval, 10ms, 1min, "stats_interval");
  within<std::size_t>(options.threads, 0, 64, "threads");
  demand(!options.listen.empty() && !options.bucket.empty(), "address and bucket");
  for (const ListenAddress& one : options.listen) {
    demand(parse_listen_address(text_of(one)) == one, "an address is read as it is written");
  }
  demand(options.base_path.empty() ||
             (options.base_path.starts_with('/') && !options.base_path.ends_with('/')),
         "base_path");
}

void check(const UsageError& error) {
  demand(error.exit_code == 0 || error.exit_code == 2, "the exit code of a usage error");
  demand(!error.message.empty(), "it says what is wrong");
  if (error.exit_code == 2) demand(error.message.find('\n') == std::string::npos, "on one line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = text_of(data, size);
  std::string_view lines = take_until(rest, "\n\n");
  std::vector<std::string> args = {"--config", file_of(rest)};
  while (!lines.empty()) args.emplace_back(take_until(lines, "\n"));
  // Another file may be anything, /dev/zero say.
  for (std::size_t i = 2; i < args.size(); ++i) {
    if (args[i].find("--config") != std::string::npos) return 0;
  }
  std::visit([](const auto& outcome) { check(outcome); },
             parse_serve_options(args, {{"HOME", "/nowhere"}}));
  return 0;
}
