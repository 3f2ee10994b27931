// client/exit_code.h: What the commands tell the shell.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstdint>

#include "core/job/status.h"

namespace bide {

enum class ExitCode : std::uint8_t {
  kCompleted = 0,  // Also: what was waited for has come, and the job is not over.
  kBideFailed = 1,
  kUsage = 2,
  kAuth = 4,
  kFailed = 5,
  kPartialFailure = 6,
  kSkipped = 7,
  kPending = 8,   // `get` only: submitted or processing.
  kNotFound = 9,  // No such job, or it was deleted or expired.
  kTimeout = 124,
  kInterrupted = 130,
  kTerminated = 143,
};

// The job's status as an exit code; submitted and processing are kPending.
[[nodiscard]] ExitCode exit_code_of(Status status);

// Of several jobs' codes the one to report. From bad to good: 4, 1, 124, 9, 5, 6, 7, 8, 0 - first
// what kept bide from finding out, then the jobs that went wrong.
[[nodiscard]] ExitCode worse_of(ExitCode a, ExitCode b);

}  // namespace bide
