// core/parking/lot.h: Where requests are parked: on a job, or on something made of many jobs.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/parking/waiter.h"

namespace bide {

class Lot {
 public:
  struct Look {
    // Null: there is nothing of this key.
    std::shared_ptr<const Snapshot> snapshot;
    Verdict verdict = Verdict::kPending;  // Of the terms, if there is a snapshot.
  };
  enum class Parked : std::uint8_t {
    kParked,    // The lot answers it; the caller must not touch the waiter any more.
    kReady,     // Not parked: the condition holds (or never will); `look` says with what.
    kFull,      // Not parked: no room.
    kTooMany,   // Not parked: its client waits for as much as one may.
    kDraining,  // Not parked: the lot is being emptied for good.
    kGone,      // Not parked: present(ticket) said no. The waiter belongs to somebody else.
  };

  virtual ~Lot() = default;
  // What `key` names, and what the terms' condition makes of it; `now` decides only settling. Never
  // blocks but for mutexes.
  [[nodiscard]] virtual Look look(std::string_view key, const Waiter::Terms& terms,
                                  TimePoint now) = 0;
  // Judges waiter.terms on what `key` names and, if they are still pending, parks the waiter, under
  // one lock. Terms must be set before the caller makes the waiter claimable by others.
  [[nodiscard]] virtual Parked park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                                    TimePoint now, Look& look) = 0;
  // Takes a waiter out whose client hung up, after the caller has won its claim. When this returns
  // the lot has forgotten the waiter, whether it was still parked or not. `key` as in park().
  virtual void unpark(std::string_view key, Waiter& waiter) = 0;
};

}  // namespace bide
