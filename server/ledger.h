// server/ledger.h: The books of what was delivered, to be compared with what the stream says of
// itself: delivery is checked, not assumed.
//
// Thread safety: none; one thread keeps it.
#pragma once

#include <cstdint>

#include "server/bucket.h"

namespace bide {

class Ledger {
 public:
  // `start`: the stream's state from before a full read was begun. What it held then is either
  // delivered by that read or gone.
  explicit Ledger(const BucketState& start) : reported_(start), delivered_(start.last_seq) {}

  void deliver(Revision revision, WallTime written);
  // Whatever there was up to `revision` is delivered, or gone without.
  void pass(Revision revision);
  // The newest revision that was delivered, or is known to be gone.
  [[nodiscard]] Revision delivered() const { return delivered_; }
  // An entry that was written since `start` was gone before it could be delivered. What it had
  // replaced may be with us still.
  [[nodiscard]] bool has_gap() const { return has_gap_; }

  enum class Finding : std::uint8_t {
    kAgrees,
    kBehind,      // The stream holds newer entries; they may be on their way.
    kRecreated,   // It is another stream under the same name.
    kConfigured,  // It keeps its entries by other rules than it did.
    kRolledBack,  // Its sequence went backwards: a store restored, or unsynced data lost.
    kShrunk,      // Entries are gone that nobody was told of, and that had not expired: a purge.
  };
  // `report`: the stream's state, asked for after the last deliver(); `now` tells what may have
  // expired. Where entries expire all the time, kShrunk is found only once nothing is left.
  [[nodiscard]] Finding compare(const BucketState& report, WallTime now);

 private:
  bool shrank(const BucketState& report, WallTime now) const;
  bool may_have_expired(WallTime written, WallTime now) const;

  BucketState reported_;
  Revision delivered_;
  bool has_gap_ = false;
  WallTime newest_;  // Of the entries delivered; before the first one the epoch.
};

// For the log.
[[nodiscard]] std::string_view word_of(Ledger::Finding finding);

}  // namespace bide
