#include "client/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "client/commands.h"
#include "client/usage.h"
#include "core/base/printable.h"
#include "core/base/terminal_width.h"

namespace bide {
namespace {

constexpr CommandEntry kCommands[] = {
    {run_command, run_run},       {emit_command, run_emit},
    {list_command, run_list},     {get_command, run_get},
    {stats_command, run_stats},   {watch_command, run_watch},
    {wait_command, run_wait},     {delete_command, run_delete},
    {health_command, run_health}, {completion_command, run_completion},
};

const Command& version_command() {
  static const Command command{.name = "bide version",
                               .summary = "print the versions of bide and of its libraries",
                               .synopsis = {""},
                               .description = "`bide --version` prints the same.",
                               .examples = {"bide version"},
                               .settings = {},
                               .takes_words = true};
  return command;
}

int print_version(std::span<const std::string> args, const std::string& text) {
  const auto parsed = read_command_line(args, version_command());
  if (const auto* end = std::get_if<UsageError>(&parsed)) return finish("bide version", *end);
  std::fputs(text.c_str(), stdout);
  return 0;
}

int run(std::span<const std::string> args, const Program& program) {
  std::vector<CommandEntry> entries = program.own;
  entries.insert(entries.end(), std::begin(kCommands), std::end(kCommands));
  std::vector<const Command*> commands;
  commands.reserve(entries.size() + 2);
  for (const CommandEntry& entry : entries) commands.push_back(&entry.table());
  commands.push_back(&version_command());
  commands.push_back(&help_command());

  if (args.empty()) {
    std::fputs(overview_of(commands, columns_of(STDERR_FILENO)).c_str(), stderr);
    return 2;
  }
  std::string_view word = args[0];
  args = args.subspan(1);
  if (word == "--help" || word == "-h") word = "help";
  if (word == "--version" || word == "-V") word = "version";
  if (word == "__complete") return run_complete(args, commands);
  if (word == "version") return print_version(args, program.version);
  if (word == "help") return run_help(args, commands, program.release);
  for (const CommandEntry& entry : entries) {
    if (word_of(entry.table()) == word) return entry.run(args);
  }
  return fail_unknown_command(word, commands);
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

int run_program(int argc, char** argv, const Program& program) {
  open_standard_streams();
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc), program);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bide: %s\n", printable(error.what(), "?").c_str());
    return 1;
  }
}

}  // namespace bide
