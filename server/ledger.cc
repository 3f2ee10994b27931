#include "server/ledger.h"

namespace bide {

Ledger::Finding Ledger::compare(const BucketState& report, WallTime now) {
  if (report.epoch != reported_.epoch) return Finding::kRecreated;
  if (report.last_seq < delivered_) return Finding::kRolledBack;
  // With a history of 1 writing never lowers the count, deleting included: it leaves a mark.
  const bool shrunk = report.entries < reported_.entries && !may_have_expired(now);
  reported_ = report;
  if (shrunk) return Finding::kShrunk;
  return report.last_seq > delivered_ ? Finding::kBehind : Finding::kAgrees;
}

bool Ledger::may_have_expired(WallTime now) const {
  using namespace std::chrono_literals;
  // The servers' clocks may be ahead of ours.
  return reported_.max_age > 0ns && reported_.first_time + reported_.max_age <= now + 5s;
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
