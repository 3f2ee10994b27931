// bench/load/errands.h: What the clients are after, and who keeps what they are told.
//
// Thread safety: as the implementation says; clients call it on their loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "bench/load/job_ref.h"

namespace bench::load {

using TimePoint = std::chrono::steady_clock::time_point;

class Errands {
 public:
  virtual ~Errands() = default;
  // The job that the client follows in its turn, counted from 0. nullopt: it had its last one.
  [[nodiscard]] virtual std::optional<JobRef> job_of(std::uint32_t client,
                                                     std::uint32_t turn) const = 0;
  // The client has been told of a state with this revision. `final`: of the last one, it will not
  // ask for this job again.
  virtual void on_answer(std::uint32_t client, std::uint32_t turn, std::uint64_t revision,
                         bool final, TimePoint when) = 0;
};

}  // namespace bench::load
