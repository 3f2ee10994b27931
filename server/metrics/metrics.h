// server/metrics/metrics.h: The metrics of the watcher's side. On /metrics, counters are named
// `bide_<member>_total`.
//
// Thread safety: counters are atomic and added to with relaxed order. They are not consistent with
// each other.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/job/entry_codec.h"
#include "core/table/writes.h"

namespace bide {

using Counter = std::atomic<std::uint64_t>;

inline void count(Counter& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

using Gauge = std::atomic<std::uint64_t>;

// Why the bucket was read again.
enum class ResyncReason : std::uint8_t {
  kLost,        // The consumer or the connection, before there was a place to go on from.
  kPurged,      // Entries were purged.
  kGone,        // Entries left otherwise, without a trace.
  kRecreated,   // Another stream has the bucket's name, or there was none.
  kConfigured,  // The stream's rules changed.
  kRolledBack,  // The stream went backwards.
  kUnproven,    // Entries may have left while the stream was not followed.
};
inline constexpr std::array<std::string_view, 7> kResyncReasons = {
    "lost", "purged", "gone", "recreated", "configured", "rolled-back", "unproven"};

struct Metrics {
  Counter entries_applied{0};                              // First reads and resyncs included.
  std::array<Counter, kRejectReasons> entries_rejected{};  // Label `reason`: word_of(RejectReason).
  // Full reads of the bucket after the first. Label `reason`: kResyncReasons.
  std::array<Counter, kResyncReasons.size()> resyncs{};
  Counter resumes{0};          // Times that another consumer went on where the last one ended.
  Counter nats_reconnects{0};  // Connections to NATS after the first.
  Counter tail_requests{0};    // Requests to NATS for the end of the stream, to catch up.
  std::array<Counter, Write::kEnds> writes{};  // Over HTTP. Label `end`: word_of(Write::End).
  Counter reconciles{0};                       // Comparisons with the stream's state.
  Counter nats_restarts{0};  // Embedded nats-server: it ended, or was ended because it was silent.

  // Snapshots of the table (server/nats/checkpoints.h).
  Counter snapshots_written{0};
  Counter snapshots_failed{0};
  Counter snapshots_refused{0};    // 0 or 1: this process found one, and read the bucket instead.
  Counter warm_starts{0};          // 0 or 1: this process began with a snapshot.
  Gauge warm_start_ms{0};          // From the start to being ready, if it did.
  Gauge snapshot_bytes{0};         // Of the newest one; 0: there is none.
  Gauge snapshot_unix_seconds{0};  // When its state was that of the table.

  // The watcher writes these. Sequences of the stream: of the latest entry handled, rejected ones
  // included; and of the newest one known to exist, from the stream's state or from the number of
  // entries that a delivery says are pending.
  Gauge revision_delivered{0};
  Gauge revision_known{0};
  Gauge entries_queued{0};  // Received, but not handled yet.

  [[nodiscard]] std::uint64_t all_resyncs() const noexcept {
    std::uint64_t sum = 0;
    for (const Counter& of_reason : resyncs) sum += of_reason.load(std::memory_order_relaxed);
    return sum;
  }

  // A full read begins.
  void begin_stream(Revision known) noexcept {
    revision_delivered.store(0, std::memory_order_relaxed);
    revision_known.store(known, std::memory_order_relaxed);
  }
  void deliver(Revision revision, std::uint64_t pending) noexcept {
    revision_delivered.store(revision, std::memory_order_relaxed);
    know(revision + pending);
  }
  // A heartbeat says that everything is delivered. `owed`: the end of the stream by its state, if
  // that is not delivered yet (0: it is).
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
