// server/metrics/process_figures.h: The kernel's figures about this process, for the metrics that
// every Prometheus client library has.
//
// Thread safety: may be called from any thread. Reads /proc, which takes some tens of microseconds;
// on kernels before 6.2 a microsecond more for every two open descriptors.
#pragma once

#include <cstdint>

namespace bide {

struct ProcessFigures {
  double cpu_seconds = 0;         // User and system.
  double start_time_seconds = 0;  // Unix time.
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;  // The soft limit.
};

// Figures that cannot be read are 0.
[[nodiscard]] ProcessFigures process_figures();

}  // namespace bide
