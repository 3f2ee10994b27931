// bench/load/job_ref.h: The jobs of a run, the clients that follow them, and the events of a job.
//
// Thread safety: values and pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench::load {

using TimePoint = std::chrono::steady_clock::time_point;

// A client follows one job at a time; `turn` counts its jobs from 0.
struct JobRef {
  std::uint32_t client = 0;
  std::uint32_t turn = 0;
};

// Clients are numbered: first those with a job each, then the dashboards.
struct Audience {
  std::uint32_t clients = 0;     // Each follows a job of its own,
  bool endless = true;           // and the next one when that is final.
  std::uint32_t dashboards = 0;  // All follow one job, the broadcast.
  std::uint32_t agents = 0;      // Of the broadcast.

  [[nodiscard]] JobRef broadcast() const { return {.client = clients, .turn = 0}; }
};

// `load-<pid>-<seconds>-<client>-<turn>`, the seconds in hex, of the run's beginning: runs that
// share a bucket do not meet, not even in containers, where every run has the same pid.
void append_job_name(std::string& out, JobRef job);
[[nodiscard]] std::string job_name(JobRef job);

// The entries of a job, in this order. The last one makes it final.
enum class Deed : std::uint8_t { kDefined, kAcknowledged, kStarted, kCompleted };
inline constexpr std::uint32_t kEventsPerJob = 3;  // Being defined is not an event.

// The event's word in its key; empty for kDefined.
[[nodiscard]] std::string_view word_of(Deed deed);

}  // namespace bench::load
