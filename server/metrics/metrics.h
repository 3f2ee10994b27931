// server/metrics/metrics.h: What the server counts. Names on /metrics are `bide_<member>_total`.
//
// Thread safety: counters are atomic; add with relaxed order, nothing is inferred from one counter
// about another.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/job/entry_codec.h"

namespace bide {

using Counter = std::atomic<std::uint64_t>;

inline void count(Counter& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

using Gauge = std::atomic<std::uint64_t>;

struct Metrics {
  // The watcher's side.
  Counter entries_applied{0};                              // First reads and resyncs included.
  std::array<Counter, kRejectReasons> entries_rejected{};  // Label `reason`: word_of(RejectReason).
  Counter resyncs{0};          // Full reads of the bucket after the first.
  Counter nats_reconnects{0};  // Connections to NATS after the first.
  Counter tail_requests{0};    // Questions where the stream ends, for those who must know.
  Counter reconciles{0};       // Comparisons with the stream's own account.
  Counter nats_restarts{0};    // Embedded nats-server: deaths, and ends for its silence.

  // The watcher writes these. Sequences of the stream: of the latest entry dealt with, rejected
  // ones included, and of the newest that is known to exist, by the stream's own account or by what
  // a delivery says is pending behind it.
  Gauge revision_delivered{0};
  Gauge revision_known{0};
  Gauge entries_queued{0};  // Received and not looked at yet.

  // Another stream, or the same read afresh.
  void begin_stream(Revision known) noexcept {
    revision_delivered.store(0, std::memory_order_relaxed);
    revision_known.store(known, std::memory_order_relaxed);
  }
  void deliver(Revision revision, std::uint64_t pending) noexcept {
    revision_delivered.store(revision, std::memory_order_relaxed);
    know(revision + pending);
  }
  // All is delivered, the consumer says, but for what the stream's own account owes (0: nothing).
  void correct_known(Revision owed) noexcept {
    const Revision delivered = revision_delivered.load(std::memory_order_relaxed);
    revision_known.store(std::max(delivered, owed), std::memory_order_relaxed);
  }
  void know(Revision revision) noexcept {
    if (revision > revision_known.load(std::memory_order_relaxed)) {
      revision_known.store(revision, std::memory_order_relaxed);
    }
  }
};

}  // namespace bide
