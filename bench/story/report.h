// bench/story/report.h: The story's figures, as one JSON object.
//
// Thread safety: pure function.
#pragma once

#include <vector>

#include "bench/story/crowd.h"

namespace bench::story {

// Points of CLOCK_MONOTONIC, for whoever watches the server meanwhile.
struct Chapters {
  TimePoint defined;  // The jobs are known to the store, nobody has connected.
  TimePoint waiting;  // Everybody waits, and nothing has happened yet.
  TimePoint begin;
  TimePoint end;  // Everybody knows everything, or has been given up.
};

// On stdout. `crowds`: stopped.
void print_report(const Chapters& chapters, const std::vector<Written>& written,
                  Quantiles& scribe_lags, const std::vector<Crowd*>& crowds);

}  // namespace bench::story
