// client/usage.h: How a command says that it was called wrongly.
//
// Thread safety: pure functions, but for what they print.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "client/arguments.h"
#include "client/exit_code.h"

namespace bide {

// `command` is `bide wait`. One line on stderr; the exit code.
int fail(std::string_view command, ExitCode code, std::string_view message);
// The same with kUsage and where to read more.
int fail_usage(std::string_view command, const Misuse& error);
// For a command line that names no setting, or asks for help, which goes to stdout.
int finish(std::string_view command, const UsageError& end);

// Exactly `bide`'s idea of a job id, or why not.
[[nodiscard]] std::variant<std::string, Misuse> checked_job_id(const std::string& word);

}  // namespace bide
