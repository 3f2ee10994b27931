// client/job_summary.h: A short summary of a job, to show while waiting.
//
// Thread safety: values and a pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bide {

struct JobSummary {
  std::size_t agents_done = 0;
  std::size_t agents_seen = 0;
  std::string error;  // Empty: none.
};

// From a job's JSON representation. Members of another type count as missing.
[[nodiscard]] JobSummary summary_of(std::string_view representation);

}  // namespace bide
