// bench/load/schedule.h: When each job gets its events. Nothing that is measured can change that.
//
// The seed is fixed: two runs of the same options are the same load.
//
// Thread safety: none; the writer's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "bench/load/job_ref.h"

namespace bench::load {

struct Planned {
  std::chrono::nanoseconds at{};  // Since the beginning of the run.
  JobRef job;
  std::uint32_t agent = 0;
  Deed deed = Deed::kAcknowledged;
};

// The next event, by time. nullopt: the duration is over.
using Schedule = std::function<std::optional<Planned>()>;

// `rate` events a second, for jobs without end.
//
// Times are at random, as of many workers that do not know of each other: a Poisson process, held
// to the asked number of events in each second, so that a short run is not a few percent off.
// Evenly spaced events would keep step with the polling clients' timetable, and there would never
// be two at once: the queueing that makes a server's p99 would not show.
//
// Jobs take turns, in an order shuffled anew each round. So every client hears about equally much,
// and the time between two events of a job lies anywhere between nothing and two rounds: some come
// while the client is still on its way back from the one before.
[[nodiscard]] Schedule steady_schedule(std::uint32_t clients, std::uint32_t rate,
                                       std::chrono::nanoseconds duration);

// The story: each client's one job is started and completed, and each agent of the broadcast
// acknowledges, starts and completes. All times are uniform over the duration and independent, but
// for their order within a job or an agent.
[[nodiscard]] Schedule story_schedule(const Audience& audience, std::chrono::nanoseconds duration);

}  // namespace bench::load
