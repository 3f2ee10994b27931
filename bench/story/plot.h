// bench/story/plot.h: What happens in the story, and when.
//
// Some clients wait for a job each; the job is started and completed. Dashboards watch one more
// job together, the broadcast: each of its agents acknowledges, starts and completes. All times are
// uniform over the story and independent, but for their order within a job or an agent.
//
// The seed is fixed: the same sizes are the same story, on whichever road it is followed.
//
// Thread safety: values and pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/load/job_ref.h"

namespace bench::story {

struct Cast {
  std::uint32_t clients = 1000;
  std::uint32_t agents = 100;
  std::uint32_t dashboards = 200;
  std::chrono::milliseconds duration{60'000};
};

struct Happening {
  std::chrono::nanoseconds at{};  // Since the story's beginning.
  std::uint32_t job = 0;          // Of the clients in order; behind them the broadcast.
  std::uint32_t agent = 0;
  load::Deed deed = load::Deed::kStarted;
};

// By time.
[[nodiscard]] std::vector<Happening> plot_of(const Cast& cast);

}  // namespace bench::story
