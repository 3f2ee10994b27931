// core/parking/look.h: What a look at a request's target, or an attempt to park the request, has
// found.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <memory>

#include "core/job/condition.h"
#include "core/job/snapshot.h"

namespace bide {

struct Look {
  // Null: the target does not exist. Always null for the feed.
  std::shared_ptr<const Snapshot> snapshot;
  Verdict verdict = Verdict::kPending;  // Of the terms, if there is a snapshot, or on the feed.
};

// What there is of a job.
enum class Presence : std::uint8_t {
  kNothing,
  kEntries,  // Events or responses, but no definition: it does not exist.
  kDefined,
};

enum class Parked : std::uint8_t {
  kParked,    // It will be answered; the caller must not touch the waiter any more.
  kReady,     // Not parked: the condition holds (or never will); the Look says with what.
  kFull,      // Not parked: no room.
  kTooMany,   // Not parked: its client has reached its limit.
  kDraining,  // Not parked: the queue is draining.
  kGone,      // Not parked: present(ticket) was false. The waiter belongs to another thread.
};

// The caller does not own the waiter any more.
[[nodiscard]] constexpr bool was_handed_over(Parked parked) {
  return parked == Parked::kParked || parked == Parked::kGone;
}

}  // namespace bide
