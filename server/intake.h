// server/intake.h: The door for what workers write: understood and counted, or counted by reason,
// logged at most once a second, and otherwise ignored. Of one that replaced another in the bucket
// the caller is told: the bucket does not hold that one any more.
//
// Thread safety: none; one thread (the watcher's) uses it.
#pragma once

#include <optional>

#include "core/entry_codec.h"
#include "server/metrics.h"

namespace bide {

class Intake {
 public:
  // `metrics` must outlive this.
  explicit Intake(Metrics& metrics) : metrics_(metrics) {}
  // Hands `raw`, understood, to `take`, which returns false where there is no room for it. What it
  // returns: garbage under a key that may have held an entry, which is as good as deleted.
  template <typename Take>
  [[nodiscard]] std::optional<Entry> admit(const RawEntry& raw, Take&& take) {
    const std::optional<Entry> entry = understand(raw);
    if (!entry) return key_of(raw);
    if (take(*entry)) {
      count(metrics_.entries_applied);
    } else {
      reject(raw, {RejectReason::kFull, "no room for it"});
    }
    return std::nullopt;
  }

 private:
  std::optional<Entry> understand(const RawEntry& raw);
  static std::optional<Entry> key_of(RawEntry raw);
  void reject(const RawEntry& raw, const Rejection& rejection);

  Metrics& metrics_;
};

}  // namespace bide
