// server/intake.h: The door for what workers write: understood and counted, or counted by reason,
// logged at most once a second, and otherwise ignored. A rejected replacement of an entry leaves
// the one that was there.
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
  // Hands `raw`, understood, to `take`, which returns false where there is no room for it.
  template <typename Take>
  void admit(const RawEntry& raw, Take&& take) {
    const std::optional<Entry> entry = understand(raw);
    if (!entry) return;
    if (take(*entry)) {
      count(metrics_.entries_applied);
    } else {
      reject(raw, {RejectReason::kFull, "no room for it"});
    }
  }

 private:
  std::optional<Entry> understand(const RawEntry& raw);
  void reject(const RawEntry& raw, const Rejection& rejection);

  Metrics& metrics_;
};

}  // namespace bide
