#include "server/nats/ledger.h"

#include <algorithm>

namespace bide {

// Within what the stream held at the start, most of what was ever written is missing.
void Ledger::deliver(Revision revision, WallTime written) {
  newest_ = std::max(newest_, written);
  if (revision == 0) return;
  pass(revision - 1);
  delivered_ = std::max(delivered_, revision);
}

// Where other subjects are bound to a stream with history, they are left out.
void Ledger::pass(Revision revision) {
  if (revision <= delivered_) return;
  delivered_ = revision;
  if (!reported_.has_other_subjects || !reported_.keeps_history) gap_ = revision;
}

void Ledger::let_go(Revision first) {
  if (gap_ < first) gap_ = 0;
}

void Ledger::forget_count() {
  reported_.entries = 0;
  shrunk_at_ = 0;
}

void Ledger::forget_count_if_history() {
  if (reported_.keeps_history) forget_count();
}

Ledger::Finding Ledger::compare(const BucketState& report, WallTime now) {
  if (report.epoch != reported_.epoch) return Finding::kRecreated;
  if (report.last_seq < delivered_) return Finding::kRolledBack;
  if (!report.keeps_as(reported_)) return Finding::kConfigured;
  const bool gone = shrank(report, now);
  reported_ = report;
  const bool behind = report.last_seq > delivered_;
  if (gone && !behind) return Finding::kShrunk;
  if (gone) shrunk_at_ = report.last_seq;
  return behind ? Finding::kBehind : Finding::kAgrees;
}

// With a history of 1 writing never lowers the count, deleting included: it leaves a mark. A rollup
// does: forget_count().
bool Ledger::shrank(const BucketState& report, WallTime now) const {
  if (report.entries >= reported_.entries) return false;
  // One large entry pushes out many small ones; whatever else left with them, let_go() is for.
  if (report.discards_old && report.first_seq > reported_.first_seq) return false;
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
    case Ledger::Finding::kConfigured:
      return "the bucket's configuration was changed";
    case Ledger::Finding::kRolledBack:
      return "the stream's sequence went backwards";
    case Ledger::Finding::kShrunk:
      return "entries of the stream are gone";
  }
  return "";
}

}  // namespace bide
