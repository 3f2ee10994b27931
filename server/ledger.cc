#include "server/ledger.h"

#include <algorithm>

namespace bide {

void Ledger::deliver(Revision revision, WallTime written) {
  delivered_ = std::max(delivered_, revision);
  newest_ = std::max(newest_, written);
}

Ledger::Finding Ledger::compare(const BucketState& report, WallTime now) {
  if (report.epoch != reported_.epoch) return Finding::kRecreated;
  if (report.last_seq < delivered_) return Finding::kRolledBack;
  const bool gone = shrank(report, now);
  reported_ = report;
  if (gone) return Finding::kShrunk;
  return report.last_seq > delivered_ ? Finding::kBehind : Finding::kAgrees;
}

// With a history of 1 writing never lowers the count, deleting included: it leaves a mark.
bool Ledger::shrank(const BucketState& report, WallTime now) const {
  if (report.entries >= reported_.entries) return false;
  if (!may_have_expired(reported_.first_time, now)) return true;
  return report.entries == 0 && !may_have_expired(newest_, now);
}

bool Ledger::may_have_expired(WallTime written, WallTime now) const {
  using namespace std::chrono_literals;
  // The servers' clocks may be ahead of ours.
  return reported_.max_age > 0ns && written + reported_.max_age <= now + 5s;
}

std::string_view word_of(Ledger::Finding finding) {
  switch (finding) {
    case Ledger::Finding::kAgrees:
      return "the stream agrees";
    case Ledger::Finding::kBehind:
      return "entries of the stream were not delivered";
    case Ledger::Finding::kRecreated:
      return "the bucket was created again";
    case Ledger::Finding::kRolledBack:
      return "the stream's sequence went backwards";
    case Ledger::Finding::kShrunk:
      return "entries of the stream are gone";
  }
  return "";
}

}  // namespace bide
