// server/nats/intake.h: Decodes and counts the entries that workers write. A rejected entry is
// counted by reason and logged, at most once a second. It has replaced the value of its key in the
// bucket, so that value is lost, as it is for a new reader of the bucket. No other key is affected.
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
  // Passes the decoded entry to `take`, which returns an Admitted (core/table/job_table.h). If the
  // entry is rejected, passes a Loss of its key to `take`. Returns Admitted::overwrote.
  template <typename Take>
  bool admit(const RawEntry& raw, Take&& take) {
    std::optional<Entry> entry = understand(raw);
    if (entry) {
      const Admitted admitted = take(*entry);
      if (admitted) {
        count(metrics_.entries_applied);
        return admitted.overwrote;
      }
      reject(raw, {*admitted.rejected, "no room for it"});
    } else {
      entry = key_of(raw);
    }
    if (!entry) return false;
    entry->what = Loss{};
    return take(*entry).overwrote;
  }

  // A deletion of the entry's key. nullopt: the table has no such key.
  static std::optional<Entry> key_of(RawEntry raw);

 private:
  std::optional<Entry> understand(const RawEntry& raw);
  void reject(const RawEntry& raw, const Rejection& rejection);

  Metrics& metrics_;
};

}  // namespace bide
