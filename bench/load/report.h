// bench/load/report.h: What a run found, for people and for programs.
//
// Thread safety: values and pure functions.
#pragma once

#include <chrono>

#include "bench/load/book.h"
#include "bench/load/options.h"
#include "bench/load/traffic.h"

namespace bench::load {

struct Outcome {
  TimePoint began;
  std::chrono::duration<double> scheduled_for{};  // The schedule, as far as it got.
  std::chrono::duration<double> took{};           // With the drain.
  bool interrupted = false;
  Findings findings;
  // When it was interrupted: on their way at that time. Nobody waited for them, so not missed.
  std::uint64_t unseen = 0;
  std::uint64_t duplicates = 0;
  Counts at_schedule_end;  // What rates are taken from: in the drain there are no events.
  Counts counts;
  std::uint64_t rewritten = 0;
  Quantiles writer_lag;
  Quantiles loop_lag;
};

// On stdout: a table, or with --json one object, flat, with keys that stay.
void print_report(const Options& options, Outcome outcome);
// 3: events were missed, or answers went backwards; else 0.
[[nodiscard]] int exit_code_of(const Outcome& outcome);

}  // namespace bench::load
