// The one place that knows both the server and the client: it picks the command.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/commands.h"
#include "core/base/printable.h"
#include "server/serve.h"

namespace {

constexpr const char* kUsage =
    "usage: bide COMMAND [ARGUMENTS]\n"
    "\n"
    "  serve   answer GET /job/{id} from a NATS key-value bucket\n"
    "  run     run a command and report it as a job\n"
    "  emit    write a job's event, or its definition\n"
    "  get     print a job's state\n"
    "  wait    wait until jobs are done\n"
    "  delete  delete jobs\n"
    "\n"
    "`bide COMMAND --help` says more. `bide --version` prints the version.\n";

int run(std::span<const std::string> args) {
  if (args.empty()) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const std::string_view command = args[0];
  const auto rest = args.subspan(1);
  if (command == "serve") return bide::run_serve(rest);
  if (command == "run") return bide::run_run(rest);
  if (command == "emit") return bide::run_emit(rest);
  if (command == "get") return bide::run_get(rest);
  if (command == "wait") return bide::run_wait(rest);
  if (command == "delete") return bide::run_delete(rest);
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (command == "--version") {
    std::puts("bide " BIDE_VERSION);
    return 0;
  }
  std::fprintf(stderr,
               "bide: there is no command `%s`; the commands are serve, run, emit, get, wait, "
               "delete\n",
               bide::printable(command, "?").c_str());
  return 2;
}

// A descriptor that is closed would be given to the first socket, and what is meant for people
// would be written into it.
void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Those below are open, so the lowest free one is this.
    if (::fcntl(fd, F_GETFD) == -1 && ::open("/dev/null", O_RDWR) != fd) std::_Exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bide: %s\n", bide::printable(error.what(), "?").c_str());
    return 1;
  }
}
