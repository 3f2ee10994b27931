// bench/story/run.h: The story, from the definitions of its jobs to the report.
//
// Thread safety: the main thread's.
#pragma once

#include "bench/story/options.h"

namespace bench::story {

// Prints `begin <seconds of CLOCK_MONOTONIC>` when the story is about to begin, and at last the
// report. Returns the exit code: 3 where somebody was never told, or was told something older.
[[nodiscard]] int run(const Options& options);

}  // namespace bench::story
