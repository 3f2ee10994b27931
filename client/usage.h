// client/usage.h: Error messages of the commands.
//
// Thread safety: they share nothing but stdout and stderr.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/arguments.h"
#include "client/data_out.h"
#include "client/exit_code.h"
#include "client/reply.h"

namespace bide {

// For the notes of commands that ask a server.
inline constexpr std::string_view kAboutToken =
    "BIDE_TOKEN holds the bearer token, if the server wants one.";

// `command`: for example `bide wait`. Prints one line on stderr and returns the exit code.
int fail(std::string_view command, ExitCode code, std::string_view message);
// The same with kUsage, and says where to read more.
int fail_usage(std::string_view command, const Misuse& error);
// For a command line that is wrong or asks for help. Help goes to stdout.
int finish(std::string_view command, const UsageError& end);
// `code` when all data has been written. Otherwise prints why not, and returns kBideFailed.
[[nodiscard]] int finish(std::string_view command, ExitCode code, DataOut& out);

// The exit code of a command whose request the server has refused.
[[nodiscard]] ExitCode exit_code_of(const ServerRefusal& refusal);

// `word` if it is a job id (is_job_id()), or why it is not.
[[nodiscard]] std::variant<std::string, Misuse> checked_job_id(const std::string& word);

inline constexpr std::size_t kJobsPerCommandMax = 256;
// The same for 1 to kJobsPerCommandMax words. An id that is given twice is taken once.
[[nodiscard]] std::variant<std::vector<std::string>, Misuse> checked_job_ids(
    const std::vector<std::string>& words);

}  // namespace bide
