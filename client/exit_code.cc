#include "client/exit_code.h"

#include <algorithm>
#include <array>

namespace bide {

ExitCode exit_code_of(Status status) {
  switch (status) {
    case Status::kSubmitted:
    case Status::kProcessing:
      return ExitCode::kPending;
    case Status::kCompleted:
      return ExitCode::kCompleted;
    case Status::kFailed:
      return ExitCode::kFailed;
    case Status::kSkipped:
      return ExitCode::kSkipped;
    case Status::kPartialFailure:
      return ExitCode::kPartialFailure;
  }
  return ExitCode::kBideFailed;
}

ExitCode worse_of(ExitCode a, ExitCode b) {
  constexpr std::array kWorstFirst = {
      ExitCode::kAuth,     ExitCode::kBideFailed, ExitCode::kTimeout,
      ExitCode::kNotFound, ExitCode::kFailed,     ExitCode::kPartialFailure,
      ExitCode::kSkipped,  ExitCode::kPending,    ExitCode::kCompleted};
  return std::ranges::find(kWorstFirst, a) < std::ranges::find(kWorstFirst, b) ? a : b;
}

}  // namespace bide
