#include "client/exit_code.h"

#include <doctest/doctest.h>

#include <vector>

using namespace bide;

TEST_CASE("exit_code: each status has its documented number") {
  CHECK(static_cast<int>(exit_code_of(Status::kCompleted)) == 0);
  CHECK(static_cast<int>(exit_code_of(Status::kFailed)) == 5);
  CHECK(static_cast<int>(exit_code_of(Status::kPartialFailure)) == 6);
  CHECK(static_cast<int>(exit_code_of(Status::kSkipped)) == 7);
  CHECK(static_cast<int>(exit_code_of(Status::kSubmitted)) == 8);
  CHECK(static_cast<int>(exit_code_of(Status::kProcessing)) == 8);
}

TEST_CASE("exit_code: of two codes the worse wins, whichever comes first") {
  const std::vector<ExitCode> worst_first = {
      ExitCode::kAuth,     ExitCode::kBideFailed, ExitCode::kTimeout,
      ExitCode::kNotFound, ExitCode::kFailed,     ExitCode::kPartialFailure,
      ExitCode::kSkipped,  ExitCode::kPending,    ExitCode::kCompleted};
  for (std::size_t worse = 0; worse < worst_first.size(); ++worse) {
    for (std::size_t better = worse; better < worst_first.size(); ++better) {
      CHECK(worse_of(worst_first[worse], worst_first[better]) == worst_first[worse]);
      CHECK(worse_of(worst_first[better], worst_first[worse]) == worst_first[worse]);
    }
  }
}
