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

// The status word, or `?` if the status is not known.
[[nodiscard]] std::string_view word_of(const JobSummary& summary);

// The note after the status: the error; without one, how many of several agents are done; with one
// agent, its progress. May be empty. The text is not made safe for a terminal.
[[nodiscard]] std::string note_of(const JobSummary& summary);

}  // namespace bide
