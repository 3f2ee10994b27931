// core/parking/look.h: How a request stands that was looked at, or was to be parked.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <memory>

#include "core/job/condition.h"
#include "core/job/snapshot.h"

namespace bide {

struct Look {
  // Null: what is asked for does not exist. Always null for the feed.
  std::shared_ptr<const Snapshot> snapshot;
  Verdict verdict = Verdict::kPending;  // Of the terms, if there is a snapshot, or on the feed.
};

enum class Parked : std::uint8_t {
  kParked,    // It will be answered; the caller must not touch the waiter any more.
  kReady,     // Not parked: the condition holds (or never will); the Look says with what.
  kFull,      // Not parked: no room.
  kTooMany,   // Not parked: its client waits for as much as one may.
  kDraining,  // Not parked: everybody is being answered for good.
  kGone,      // Not parked: present(ticket) said no. The waiter belongs to somebody else.
};

// Somebody else owns the waiter now.
[[nodiscard]] constexpr bool was_handed_over(Parked parked) {
  return parked == Parked::kParked || parked == Parked::kGone;
}

}  // namespace bide
