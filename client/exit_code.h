// client/exit_code.h: The exit codes of the commands.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstdint>

#include "core/job/status.h"

namespace bide {

enum class ExitCode : std::uint8_t {
  kCompleted = 0,  // Also if the goal is reached and the job is not over.
  kBideFailed = 1,
  kUsage = 2,
  kAuth = 4,
  kFailed = 5,
  kPartialFailure = 6,
  kSkipped = 7,
  kPending = 8,   // `get` only: submitted or processing.
  kNotFound = 9,  // The job does not exist, or it was deleted or has expired.
  kTimeout = 124,
  kInterrupted = 130,
  kTerminated = 143,
};

// The job's status as an exit code; submitted and processing are kPending.
[[nodiscard]] ExitCode exit_code_of(Status status);

// The code to report for several jobs. From worst to best: 4, 1, 124, 9, 5, 6, 7, 8, 0. Failures of
// bide come before failures of jobs.
[[nodiscard]] ExitCode worse_of(ExitCode a, ExitCode b);

}  // namespace bide
