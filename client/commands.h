// client/commands.h: The commands for scripts and workers.
//
// Each takes the arguments after the command's word, writes data on stdout and everything else on
// stderr, and returns the process's exit code (client/exit_code.h). None throws.
//
// Thread safety: one at a time, from main: they set signal handlers.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "client/man_page.h"
#include "server/settings/command_line.h"

namespace bide {

// The tables of the commands.
[[nodiscard]] const Command& emit_command();
[[nodiscard]] const Command& run_command();
[[nodiscard]] const Command& delete_command();
[[nodiscard]] const Command& list_command();
[[nodiscard]] const Command& get_command();
[[nodiscard]] const Command& stats_command();
[[nodiscard]] const Command& watch_command();
[[nodiscard]] const Command& wait_command();
[[nodiscard]] const Command& health_command();
[[nodiscard]] const Command& help_command();
[[nodiscard]] const Command& completion_command();

// The words that `bide emit` takes.
inline constexpr std::string_view kEventWords =
    "submitted,acknowledged,started,progress,completed,failed,skipped,retried,define";

// Writes one event, or a job's definition, over HTTP or to the bucket. Blocks until it is stored.
[[nodiscard]] int run_emit(std::span<const std::string> args);
// Runs a command and reports it as a job. Returns the command's exit code.
[[nodiscard]] int run_run(std::span<const std::string> args);
// Deletes jobs.
[[nodiscard]] int run_delete(std::span<const std::string> args);
// Prints a list of jobs.
[[nodiscard]] int run_list(std::span<const std::string> args);
// Prints how many jobs there are of each status.
[[nodiscard]] int run_stats(std::span<const std::string> args);
// Asks once for the states of jobs.
[[nodiscard]] int run_get(std::span<const std::string> args);
// Shows jobs as they change, until they are over or the user leaves.
[[nodiscard]] int run_watch(std::span<const std::string> args);
// Checks that a server is ready.
[[nodiscard]] int run_health(std::span<const std::string> args);
// Waits for jobs.
[[nodiscard]] int run_wait(std::span<const std::string> args);
inline constexpr std::string_view kWhatItIs =
    "tells over HTTP whether a job has changed, or finished";
// The text of `bide help`.
[[nodiscard]] std::string overview_of(std::span<const Command* const> commands,
                                      std::size_t columns);
// Describes `commands`, or one of them, or writes their man pages.
[[nodiscard]] int run_help(std::span<const std::string> args,
                           std::span<const Command* const> commands, const Release& release);
// Prints the completion script for a shell.
[[nodiscard]] int run_completion(std::span<const std::string> args);
// Called by that script. Prints a candidate on each line, and its meaning after a tab. `:files` and
// `:programs` tell the shell to add the names that it finds itself.
[[nodiscard]] int run_complete(std::span<const std::string> words,
                               std::span<const Command* const> commands);

// The command of that word (`wait`). Null: there is none.
[[nodiscard]] const Command* find_command(std::string_view word,
                                          std::span<const Command* const> commands);
// `wait`.
[[nodiscard]] inline std::string_view word_of(const Command& command) {
  return command.name.substr(command.name.find(' ') + 1);
}
// Prints that there is no such command, and which one may be meant. The exit code.
int fail_unknown_command(std::string_view word, std::span<const Command* const> commands);

}  // namespace bide
