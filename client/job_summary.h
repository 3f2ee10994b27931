// client/job_summary.h: What a person wants to see of a job while waiting.
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

// Of a job's JSON representation; what is missing or of another type counts as not there.
[[nodiscard]] JobSummary summary_of(std::string_view representation);

}  // namespace bide
