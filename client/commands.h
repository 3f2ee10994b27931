// client/commands.h: The commands for scripts and workers.
//
// Each takes the arguments after the command's word, writes data on stdout and everything else on
// stderr, and returns the process's exit code (client/exit_code.h). None throws.
//
// Thread safety: one at a time, from main: they set signal handlers.
#pragma once

#include <span>
#include <string>

namespace bide {

// Writes one event, or a job's definition, over HTTP or to the bucket. Blocks until it is stored.
[[nodiscard]] int run_emit(std::span<const std::string> args);
// Runs a command and reports it as a job. Returns the command's exit code.
[[nodiscard]] int run_run(std::span<const std::string> args);
// Deletes jobs.
[[nodiscard]] int run_delete(std::span<const std::string> args);
// Asks once for a job's state.
[[nodiscard]] int run_get(std::span<const std::string> args);
// Waits for jobs.
[[nodiscard]] int run_wait(std::span<const std::string> args);

}  // namespace bide
