// server/nats/ledger.h: The books of what was delivered, to be compared with what the stream says
// of itself: delivery is checked, not assumed.
//
// Thread safety: none; one thread keeps it.
#pragma once

#include <cstdint>

#include "server/nats/bucket.h"

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
  [[nodiscard]] bool has_gap() const { return gap_ != 0; }
  // The stream begins at `first` by now, and everything below is gone here, too: no gap is left
  // there.
  void let_go(Revision first);
  // Entries are gone, and the one delivered next says so: those are not looked for.
  void forget_count();
  // The same, of its key: without history there are no others.
  void forget_count_if_history();
  // A compare() found fewer entries than before, among them some that were not delivered then: any
  // of those might have told why. By now they are, and none did.
  [[nodiscard]] bool has_shrunk() const { return shrunk_at_ != 0 && delivered_ >= shrunk_at_; }

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
  Revision gap_ = 0;        // The highest that is missing; 0: none.
  Revision shrunk_at_ = 0;  // See has_shrunk(): where the stream ended then; 0: it has not.
  WallTime newest_;         // Of the entries delivered; before the first one the epoch.
};

// For the log.
[[nodiscard]] std::string_view word_of(Ledger::Finding finding);

}  // namespace bide
