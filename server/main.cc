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
#include "client/usage.h"
#include "core/base/printable.h"
#include "core/base/terminal_width.h"
#include "server/serve.h"
#include "server/settings/settings.h"
#include "server/version.h"

namespace {

struct Entry {
  const bide::Command& (*table)();
  int (*run)(std::span<const std::string> args);
};

std::span<const bide::Command* const> commands();

int run_help(std::span<const std::string> args) {
  return bide::run_help(args, commands(), bide::release());
}

int run_version(std::span<const std::string> args) {
  const auto parsed = bide::read_command_line(args, bide::version_command());
  if (const auto* end = std::get_if<bide::UsageError>(&parsed)) {
    return bide::finish("bide version", *end);
  }
  std::fputs(bide::version_text().c_str(), stdout);
  return 0;
}

// In the order of `bide help`.
constexpr Entry kCommands[] = {
    {bide::serve_command, bide::run_serve},   {bide::run_command, bide::run_run},
    {bide::emit_command, bide::run_emit},     {bide::list_command, bide::run_list},
    {bide::get_command, bide::run_get},       {bide::stats_command, bide::run_stats},
    {bide::watch_command, bide::run_watch},   {bide::wait_command, bide::run_wait},
    {bide::delete_command, bide::run_delete}, {bide::completion_command, bide::run_completion},
    {bide::version_command, run_version},     {bide::help_command, run_help},
};

std::span<const bide::Command* const> commands() {
  static const std::vector<const bide::Command*> all = [] {
    std::vector<const bide::Command*> tables;
    for (const Entry& entry : kCommands) tables.push_back(&entry.table());
    return tables;
  }();
  return all;
}

int run(std::span<const std::string> args) {
  if (args.empty()) {
    std::fputs(bide::overview_of(commands(), bide::columns_of(STDERR_FILENO)).c_str(), stderr);
    return 2;
  }
  std::string_view word = args[0];
  if (word == "--help" || word == "-h") word = "help";
  if (word == "--version" || word == "-V") word = "version";
  if (word == "__complete") return bide::run_complete(args.subspan(1), commands());
  for (const Entry& entry : kCommands) {
    if (bide::word_of(entry.table()) == word) return entry.run(args.subspan(1));
  }
  return bide::fail_unknown_command(word, commands());
}

// If a standard stream were closed, the first socket would get its number, and messages for people
// would go into that socket.
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
