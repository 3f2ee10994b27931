// client/job_summary.h: A short summary of a job, to show in a line.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/job/status.h"

namespace bide {

struct JobSummary {
  std::string id{};
  std::optional<Status> status{};
  bool final = false;
  std::string created{};     // As it was written.
  std::string updated_at{};  // The same; empty: no event yet.
  std::size_t agents_done = 0;
  std::size_t agents_seen = 0;
  bool of_jobs = false;    // These are no agents but jobs (client/selection_source.h).
  std::string error{};     // Empty: none.
  std::string progress{};  // `40% linking`, of a job with one agent; empty: none.
};

// From a job's JSON representation. Members of another type count as missing.
[[nodiscard]] JobSummary summary_of(std::string_view representation);

// What is worth saying besides the status: the error, else how far the agents are; may be empty.
// Not made safe for a terminal.
[[nodiscard]] std::string note_of(const JobSummary& summary);

}  // namespace bide
