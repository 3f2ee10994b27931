// server/nats/intake.h: The door for what workers write: understood and counted, or counted by
// reason, logged at most once a second, and otherwise ignored. What is not taken has replaced
// whatever its key held: that is lost, as it is for somebody who reads the bucket now. Only that
// key is concerned.
//
// Thread safety: none; one thread (the watcher's) uses it.
#pragma once

#include <optional>

#include "core/job/entry_codec.h"
#include "core/table/job_table.h"
#include "server/metrics/metrics.h"

namespace bide {

class Intake {
 public:
  // `metrics` must outlive this.
  explicit Intake(Metrics& metrics) : metrics_(metrics) {}
  // Hands `raw`, understood, to `take`, which returns an Admitted (core/table/job_table.h). Instead
  // of one that is rejected, `take` is handed a Loss.
  template <typename Take>
  void admit(const RawEntry& raw, Take&& take) {
    std::optional<Entry> entry = understand(raw);
    if (entry) {
      const Admitted admitted = take(*entry);
      if (admitted) return count(metrics_.entries_applied);
      reject(raw, {*admitted.rejected, "no room for it"});
    } else {
      entry = key_of(raw);
    }
    if (!entry) return;
    entry->what = Loss{};
    (void)take(*entry);
  }

 private:
  std::optional<Entry> understand(const RawEntry& raw);
  // nullopt: nothing can be held under that key.
  static std::optional<Entry> key_of(RawEntry raw);
  void reject(const RawEntry& raw, const Rejection& rejection);

  Metrics& metrics_;
};

}  // namespace bide
