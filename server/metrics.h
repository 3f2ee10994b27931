// server/metrics.h: What the server counts. Names on /metrics are `bide_<member>_total`.
//
// Thread safety: counters are atomic; add with relaxed order, nothing is inferred from one counter
// about another.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/entry_codec.h"

namespace bide {

using Counter = std::atomic<std::uint64_t>;

inline void count(Counter& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

struct Metrics {
  // The watcher's side.
  Counter entries_applied{0};                              // First reads and resyncs included.
  std::array<Counter, kRejectReasons> entries_rejected{};  // Label `reason`: word_of(RejectReason).
  Counter resyncs{0};          // Full reads of the bucket after the first.
  Counter nats_reconnects{0};  // Connections to NATS after the first.
  Counter tail_requests{0};    // Questions where the stream ends, for those who must know.
  Counter reconciles{0};       // Comparisons with the stream's own account.
  Counter nats_restarts{0};    // Embedded nats-server: deaths that were not asked for.
};

}  // namespace bide
