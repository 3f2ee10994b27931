// server/nats/resume.h: Decides whether a stream can be followed on from a place, instead of being
// read again.
//
// A new consumer begins at the oldest anchor of the place. So it first delivers the anchors again,
// and then the tail: what was written since. Nothing of the tail may be applied before it is known
// that
//
// - it is the same stream: each anchor is there, unchanged, or its key was written again in the
//   tail; at least one is there; and nothing else is there between them. A stream that was rolled
//   back to some point after the first anchor and written again passes only if all that was undone
//   was written again, too;
// - nothing left without an entry, such as by a purge: the stream holds as many entries as keys
//   were known, plus those that are new in the tail. If entries expired meanwhile, that cannot be
//   told. Then the bucket is read later, beside the table.
//
// A report of the stream's state is compared when all up to its end was delivered and nothing of
// that was overwritten since it was asked for. Only then its number of entries is the one to
// expect.
//
// Thread safety: none. It does no I/O and has no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "server/nats/place.h"
#include "server/nats/stream_check.h"

namespace bide {

class Resume {
 public:
  using Reason = StreamCheck::Reason;
  // `start`: the stream's state before the consumer was made.
  Resume(const Place& place, const BucketState& start);

  // Where the consumer must begin.
  [[nodiscard]] static Revision begin(const Place& place) { return place.anchors.front().revision; }
  // Whether the delivery belongs to the tail. The others are anchors, which are applied already.
  [[nodiscard]] bool is_new(const StreamCheck::Delivery& delivery) const {
    return delivery.revision > place_.revision;
  }

  // Each returns a reason to read the bucket again, or kNone.
  // `held`: the table has a value for the entry's key.
  [[nodiscard]] Reason deliver(const StreamCheck::Delivery& delivery, bool held);
  // Everything up to `looked_through` was delivered.
  [[nodiscard]] Reason pass(Revision looked_through);
  // The stream's state has to be asked for.
  [[nodiscard]] bool wants_report() const { return !proven_ && !report_ && has_come_to_the_end(); }
  // All that the stream held at the start is delivered.
  [[nodiscard]] bool has_come_to_the_end() const { return reached_ >= end_; }
  // `report`: asked for after the last delivery.
  [[nodiscard]] Reason judge(const BucketState& report);

  // All conditions hold for what was delivered so far. Nothing may be delivered after that.
  [[nodiscard]] bool proven() const { return proven_; }
  // Whether the entries were counted. If not, something may have left.
  [[nodiscard]] bool counted() const { return counted_; }
  [[nodiscard]] const BucketState& report() const { return *report_; }
  // How many entries of the tail were delivered.
  [[nodiscard]] std::uint64_t tail() const { return tail_; }

 private:
  Reason conclude();
  [[nodiscard]] bool anchors_hold() const;
  // False: too often.
  [[nodiscard]] bool ask_again();

  const Place& place_;
  Revision end_;
  Revision reached_ = 0;
  std::vector<bool> there_;                 // By anchor.
  std::unordered_set<std::uint64_t> keys_;  // Of the tail.
  std::uint64_t new_keys_ = 0;
  std::uint64_t tail_ = 0;
  std::optional<BucketState> report_;
  int reports_ = 0;
  bool proven_ = false;
  bool counted_ = false;
};

}  // namespace bide
