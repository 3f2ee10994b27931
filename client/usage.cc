#include "client/usage.h"

#include <algorithm>
#include <iostream>

#include "core/base/printable.h"
#include "core/job/entry.h"

namespace bide {

int fail(std::string_view command, ExitCode code, std::string_view message) {
  std::cerr << std::string(command) + ": " + printable(message, " ") + "\n";
  return static_cast<int>(code);
}

int fail_usage(std::string_view command, const Misuse& error) {
  return fail(command, ExitCode::kUsage,
              error.message + " (see " + std::string(command) + " --help)");
}

int finish(std::string_view command, const UsageError& end) {
  if (end.exit_code != 0) return fail(command, ExitCode::kUsage, end.message);
  std::cout << end.message << std::flush;
  return 0;
}

int finish(std::string_view command, ExitCode code, DataOut& out) {
  if (const auto failure = out.failure()) return fail(command, ExitCode::kBideFailed, *failure);
  return static_cast<int>(code);
}

ExitCode exit_code_of(const ServerRefusal& refusal) {
  if (refusal.http_status == 401 || refusal.http_status == 403) return ExitCode::kAuth;
  return refusal.no_such_job ? ExitCode::kNotFound : ExitCode::kBideFailed;
}

std::variant<std::string, Misuse> checked_job_id(const std::string& word) {
  if (is_job_id(word)) return word;
  return Misuse{"a job's id is 1 to 128 of A-Z a-z 0-9 _ - and neither \"status\" nor \"events\""};
}

std::variant<std::vector<std::string>, Misuse> checked_job_ids(
    const std::vector<std::string>& words) {
  if (words.empty()) return Misuse{"expected a job id"};
  if (words.size() > kJobsPerCommandMax) {
    return Misuse{"at most " + std::to_string(kJobsPerCommandMax) + " jobs at a time"};
  }
  std::vector<std::string> ids;
  for (const std::string& word : words) {
    auto id = checked_job_id(word);
    if (const auto* error = std::get_if<Misuse>(&id)) return *error;
    if (std::ranges::find(ids, word) == ids.end()) ids.push_back(word);
  }
  return ids;
}

}  // namespace bide
