// bench/load/run.h: One run, from the first definition to the report.
//
// Thread safety: the main thread's.
#pragma once

#include "bench/load/options.h"

namespace bench::load {

// Blocks for the options' duration and, while clients have not heard of everything, for the road's
// drain. SIGINT or SIGTERM ends it early; a second one ends the process. Returns the exit code.
[[nodiscard]] int run(const Options& options);

}  // namespace bench::load
