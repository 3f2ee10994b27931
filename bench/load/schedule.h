// bench/load/schedule.h: Which job gets an event when. Nothing that is measured can change it.
//
// Times are at random, as of many workers that do not know of each other: a Poisson process, held
// to the asked number of events in each second, so that a short run is not a few percent off.
// Evenly spaced events would keep step with the polling clients' timetable, and there would never
// be two at once: the queueing that makes a server's p99 would not show.
//
// Jobs take turns, in an order shuffled anew each round. So every client hears about equally much,
// and the time between two events of a job lies anywhere between nothing and two rounds: some come
// while the client is still on its way back from the one before.
//
// The seed is fixed: two runs of the same options are the same load.
//
// Thread safety: none; the writer's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "bench/load/job_ref.h"

namespace bench::load {

struct Planned {
  std::chrono::nanoseconds at{};  // Since the beginning of the run.
  JobRef job;
  Deed deed = Deed::kAcknowledged;
};

class Schedule {
 public:
  // `rate`: events a second.
  Schedule(std::size_t clients, std::uint32_t rate, std::chrono::nanoseconds duration);
  // nullopt: the duration is over.
  [[nodiscard]] std::optional<Planned> next();

 private:
  void begin_second();
  void begin_round();

  const std::chrono::nanoseconds duration_;
  std::mt19937_64 random_{1};
  std::vector<std::chrono::nanoseconds> times_;  // Of this second, ascending.
  std::size_t taken_ = 0;                        // Of them.
  std::chrono::seconds second_{0};
  std::vector<std::uint32_t> order_;  // Of the clients, in this round.
  std::size_t position_ = 0;          // In it.
  std::uint32_t round_ = 0;
};

}  // namespace bench::load
