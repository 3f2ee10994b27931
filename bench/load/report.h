// bench/load/report.h: The results of a run, for people and for programs.
//
// Thread safety: values and pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/load/book.h"
#include "bench/load/options.h"
#include "bench/load/traffic.h"

namespace bench::load {

struct Outcome {
  struct Part {  // Of one crowd.
    Findings findings;
    Counts counts;
    std::size_t clients = 0;
    Quantiles loop_lag;
    std::vector<std::uint64_t> requests_by_tick;
  };

  // Points of CLOCK_MONOTONIC, for a program that samples the server meanwhile.
  TimePoint defined;  // The server knows the first jobs, and no client has connected.
  TimePoint waiting;  // All clients wait, and nothing has happened yet.
  TimePoint begin;
  TimePoint end;  // Every client knows everything, or has been given up.

  std::chrono::duration<double> scheduled_for{};  // The schedule, as far as it got.
  bool interrupted = false;
  Part clients;
  Part dashboards;
  Counts at_schedule_end;  // What rates are taken from: in the drain there are no events.
  std::uint64_t rewritten = 0;
  Quantiles writer_lag;
};

// On stdout: a table, or with --json one object, with keys that stay. The dashboards' figures have
// an object in it, of the same keys.
void print_report(const Options& options, Outcome outcome);
// 3: events were missed, or answers went backwards; else 0.
[[nodiscard]] int exit_code_of(const Outcome& outcome);

}  // namespace bench::load
