// client/program.h: Runs the command that a command line names.
//
// Thread safety: once, from main.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/man_page.h"
#include "server/settings/command_line.h"

namespace bide {

struct CommandEntry {
  const Command& (*table)();
  int (*run)(std::span<const std::string> args);  // What follows the command's word.
};

struct Program {
  std::vector<CommandEntry>
      own;  // Before those that every program has, in the order of `bide help`.
  Release release;
  std::string version;  // What `bide version` prints.
};

// Returns the exit code.
[[nodiscard]] int run_program(int argc, char** argv, const Program& program);

}  // namespace bide
