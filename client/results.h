// client/results.h: What `get` and `wait` write on stdout.
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
  kText,   // The status word; of several jobs `id word` for each, as they end.
  kJson,   // The representation; of several jobs an array in the order asked, null where there is
           // none.
  kJsonl,  // A representation a line, as they end.
};

[[nodiscard]] std::optional<Output> output_from_word(std::string_view word);

// What to write when the wait for `job` is over; kJson of several jobs writes nothing here. Empty
// also where nothing is known about the job.
[[nodiscard]] std::string result_of(const JobView& job, Output output, bool several);

// kJson of several jobs, at the end.
[[nodiscard]] std::string results_of(std::span<const JobView> jobs);

}  // namespace bide
