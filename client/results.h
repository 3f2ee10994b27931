// client/results.h: The output of `get` and `wait` on stdout.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/board.h"

namespace bide {

enum class Output : std::uint8_t {
  kText,   // The status word; with several jobs, `id word` for each as it ends.
  kJson,   // The representation; with several jobs, an array in the order of the arguments, with
           // null for a job without one.
  kJsonl,  // One representation on each line, for each job as it ends.
};

[[nodiscard]] std::optional<Output> output_from_word(std::string_view word);

// The output when the wait for `job` is over. Empty if nothing is known about the job, and for
// kJson with several jobs.
[[nodiscard]] std::string result_of(const JobView& job, Output output, bool several);

// The output of kJson with several jobs, at the end.
[[nodiscard]] std::string results_of(std::span<const JobView> jobs);

}  // namespace bide
