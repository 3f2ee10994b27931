#include "server/nats/stream_check.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr int kHeartbeatsMissedMax = 3;
// A server of a cluster may be behind the others, or flow control may be stuck: then heartbeats
// come, but no entries.
constexpr auto kReadPatience = 4s;
// A read during which entries were purged is not shown. But if somebody purges all the time, one
// read in four is.
constexpr int kDoubtfulReadsMax = 3;

// After a read the bucket is not read again for a multiple of the time that the read took, within
// limits. For a purge, which takes more rights than writing, four times.
constexpr int kCalm = 4;
constexpr auto kCalmMin = 500ms, kCalmMax = 4000ms;
// For what a writer of a single key can cause, by writing faster than it is delivered or with
// headers, longer: during a read, new entries wait. If a purge would be heard of and the read is
// long enough to be noticed, a gap waits so long that less than 1 % of the time goes to reading.
constexpr int kWriterCalm = 20, kWriterCalmHearing = 200;
constexpr auto kGapCalmMin = 5s, kWriterCalmMax = 300s;
constexpr auto kNoticed = 100ms;

constexpr auto kLookInterval = 250ms;
constexpr auto kRollupInterval = 50ms;
// Entries that the stream tells of may be on their way.
constexpr auto kDeliveryGrace = 2s;
constexpr auto kNoAnswerPause = 1s;
// How long the server that reports the stream's state may be behind what was delivered.
constexpr auto kBehindPatience = 4s;
constexpr auto kBehindPause = 250ms;

}  // namespace

StreamCheck::StreamCheck(const BucketState& start, Link link, Settings settings, TimePoint now)
    : settings_(settings),
      link_(link),
      reported_(start),
      delivered_(start.last_seq),
      end_(start.entries == 0 ? 0 : start.last_seq),
      end_is_new_(start.entries == 0),
      first_(start.first_seq),
      next_compare_(now + settings.reconcile_interval) {}

// --- What the consumer sends --------------------------------------------------------------------

StreamCheck::Reason StreamCheck::deliver(const Delivery& delivery) {
  if (delivery.consumer_seq != consumer_seq_ + 1) return Reason::kDeliveryMissing;
  consumer_seq_ = delivery.consumer_seq;
  if (count_ && delivery.revision > count_->last_seq) judge_count();
  ++keys_;
  idle_since_ = kEndOfTime;
  reached_ = delivery.revision;
  // When an entry with `Nats-Rollup: sub` is stored, nats-server 2.9 has every consumer go on at
  // that entry, and never delivers the entries before it.
  const Revision before = std::exchange(last_entry_, delivery.revision);
  const bool came_meanwhile = delivery.revision > reported_.last_seq;
  const bool rolled_up = delivery.rollup != Rollup::kNone;
  if (rolled_up && came_meanwhile && delivery.revision > before + 1) skipped_ = true;

  if (delivery.rollup == Rollup::kAll) rolled_up_ = delivery.revision;
  // Without history, the rollup of a key removes nothing that the entry would not replace.
  const bool removes = delivery.rollup == Rollup::kAll || (rolled_up && reported_.keeps_history);
  if (removes) forget_count();

  newest_ = std::max(newest_, delivery.written);
  if (delivery.revision == 0) return Reason::kNone;
  pass(delivery.revision - 1);
  delivered_ = std::max(delivered_, delivery.revision);
  anchors_.add(delivery.anchor());
  return Reason::kNone;
}

StreamCheck::Reason StreamCheck::deliver(const Heartbeat& heartbeat) {
  if (heartbeat.consumer_seq != consumer_seq_) return Reason::kLastDeliveryMissing;
  reached_ = heartbeat.looked_through;
  pass(heartbeat.looked_through);
  return Reason::kNone;
}

StreamCheck::Reason StreamCheck::wait(TimePoint last_heard, TimePoint now) const {
  const bool silent = now - last_heard > settings_.heartbeat * kHeartbeatsMissedMax;
  return silent ? Reason::kSilent : Reason::kNone;
}

// Everything up to `revision` is delivered, or gone. Revisions of the start that are missing are no
// gap: the stream held few of them. With history, nor are the others if the stream has subjects
// that the consumer leaves out.
void StreamCheck::pass(Revision revision) {
  if (revision <= delivered_) return;
  delivered_ = revision;
  if (!reported_.has_other_subjects || !reported_.keeps_history) gap_ = revision;
}

// Nothing behind the report counts yet. keys_ is corrected only if all before it was delivered, or
// a new key that is overwritten at once would count twice.
void StreamCheck::judge_count() {
  if (keys_ == count_->entries) {
    if (gap_ <= count_->last_seq) gap_ = 0;
    counted_ = true;
  } else if (gap_ == 0 && delivered_ >= count_->last_seq) {
    keys_ = count_->entries;
  }
  count_.reset();
}

// A rollup says that entries are gone: the next report need not hold as many as the last one.
void StreamCheck::forget_count() {
  reported_.entries = 0;
  shrunk_at_ = 0;
}

// --- Going on with another consumer
// ---------------------------------------------------------------

// What is known to be gone, but waits for a calmer time, would be counted as if it were there. With
// history, or other subjects, the number of entries says nothing.
std::optional<Place> StreamCheck::place() const {
  const bool left = suspicion_ != Reason::kNone || shrunk_ || shrunk_at_ != 0 || rolled_up_ != 0 ||
                    (leaving_ && !reported_.lets_go());
  const bool uncountable = reported_.keeps_history || reported_.has_other_subjects;
  if (left || uncountable || anchors_.empty()) return std::nullopt;
  Place place{reported_, delivered_, keys_, anchors_.list()};
  if (unproven_) place.keys.reset();
  return place;
}

void StreamCheck::resumed(const BucketState& report, bool counted, const Calm& calm) {
  reported_ = report;
  delivered_ = report.last_seq;
  keys_ = report.entries;
  gap_ = 0;
  count_.reset();
  counted_ = false;
  unproven_ = !counted;
  calm_ = calm;
  if (report.lets_go()) leaving_ = {report.first_seq, report.last_seq};
}

// --- The full read ------------------------------------------------------------------------------

void StreamCheck::set_new_end(const BucketState& state) {
  end_is_new_ = true;
  end_ = std::max(end_, state.last_seq);
  first_ = state.first_seq;
}

StreamCheck::Reason StreamCheck::idle_in_read(TimePoint now) {
  idle_since_ = std::min(idle_since_, now);
  if (read_is_complete() || now - idle_since_ <= kReadPatience) return Reason::kNone;
  return Reason::kReadStalled;
}

StreamCheck::Reason StreamCheck::end_read(Link link, int& doubtful_reads) {
  Reason doubt = suspicion_;
  if (doubt == Reason::kNone && skipped_) doubt = Reason::kRolledUpInRead;
  if (doubt != Reason::kNone && ++doubtful_reads <= kDoubtfulReadsMax) return doubt;
  suspicion_ = doubt;
  doubtful_reads = 0;
  // What came before and after may be of two streams.
  if (link != link_) return Reason::kConnectionLost;
  const bool lets_go = reported_.lets_go() || rolled_up_ != 0;
  if (lets_go && first_ > reported_.first_seq) leave(first_);
  return Reason::kNone;
}

void StreamCheck::installed(TimePoint began, TimePoint now, bool hears_purges) {
  const auto calm = [&](int times, auto least, auto most) {
    return now + std::clamp<TimePoint::duration>(times * (now - began), least, most);
  };
  calm_.purge = calm(kCalm, kCalmMin, kCalmMax);
  calm_.count = calm(kWriterCalm, kCalmMin, kWriterCalmMax);
  calm_.gap = calm_.count;
  if (!hears_purges) return;
  const int times = now - began > kNoticed ? kWriterCalmHearing : kWriterCalm;
  calm_.gap = calm(times, kGapCalmMin, kWriterCalmMax);
}

// --- The regular look ---------------------------------------------------------------------------

bool StreamCheck::begin_look(TimePoint now) {
  if (now < next_look_) return false;
  next_look_ = now + kLookInterval;
  return true;
}

StreamCheck::Reason StreamCheck::look(Link link, Revision applied, TimePoint now) {
  if (link != link_) return Reason::kConnectionLost;
  if (is_overdue(now)) return Reason::kUndelivered;
  leave_if_due(applied);
  if ((shrunk_ || has_shrunk()) && now >= calm_.count) return Reason::kShrunk;
  // Most of the missing entries were overwritten, and what replaced them is delivered: that can be
  // applied meanwhile. Later gaps wait for the next report.
  if (count_ && delivered_ >= count_->last_seq) judge_count();
  if (std::exchange(counted_, false)) {
    calm_.gap = std::max(calm_.gap, now + 2 * settings_.reconcile_interval);
  }
  if (gap_ != 0 && now >= calm_.gap) return Reason::kGap;
  if (unproven_ && now >= calm_.count) return Reason::kUnproven;
  return Reason::kNone;
}

// A backlog may take as long as it likes, if it gets shorter.
bool StreamCheck::is_overdue(TimePoint now) {
  if (delivered_ >= owed_) {
    owed_by_ = kEndOfTime;
  } else if (owed_by_ == kEndOfTime || delivered_ > delivered_before_) {
    owed_by_ = now + kDeliveryGrace;
  }
  delivered_before_ = delivered_;
  return now >= owed_by_;
}

bool StreamCheck::begin_compare(TimePoint now) {
  if (now < next_compare_) return false;
  next_compare_ = now + settings_.reconcile_interval;
  return true;
}

// The header is only a hint: the stream's state says what is gone. So it is asked for before the
// entry is applied on top of what it may have removed; but not for each of many such entries.
bool StreamCheck::begin_compare_before(const Delivery& delivery, TimePoint now) {
  if (delivery.rollup != Rollup::kAll) return false;
  if (now < rollup_calm_at_) {
    next_compare_ = {};
    next_look_ = std::min(next_look_, rollup_calm_at_);
    return false;
  }
  rollup_calm_at_ = now + kRollupInterval;
  next_compare_ = now + settings_.reconcile_interval;
  return true;
}

StreamCheck::Reason StreamCheck::compare(const BucketState& report, Link link, Revision applied,
                                         WallTime wall_now, TimePoint now) {
  // It may be of another stream.
  if (link != link_) return Reason::kConnectionLost;
  if (report.epoch != reported_.epoch) return Reason::kRecreated;
  if (!report.keeps_as(reported_)) return Reason::kConfigured;
  const Revision known = std::max(delivered_, reported_.last_seq);
  if (report.last_seq < known) return behind(report, known, now);
  behind_since_.reset();
  const bool fewer = shrank(report, wall_now);
  reported_ = report;
  if (report.last_seq > delivered_) {
    owed_ = report.last_seq;
    if (fewer) shrunk_at_ = report.last_seq;
  } else if (fewer) {
    shrunk_ = true;
    if (now >= calm_.count) return Reason::kShrunk;
  }

  if (!count_ && !report.keeps_history && !report.has_other_subjects) {
    count_ = {report.last_seq, report.entries};
  }
  const Revision rolled_up = std::exchange(rolled_up_, 0);
  // Nothing that the entry removed was replaced: it leaves at once.
  if (rolled_up != 0 && report.first_seq >= rolled_up) leave(rolled_up);
  if (!leaving_ && (rolled_up != 0 || report.lets_go())) {
    leaving_ = {report.first_seq, report.last_seq};
  }
  leave_if_due(applied);
  return Reason::kNone;
}

// A single server cannot be behind itself. Of several, the one that reports, the stream's leader,
// stores an entry at times later than the one that delivers it. Such a report says nothing of what
// was delivered, neither that it is gone nor how many entries there should be. A store that was
// rolled back looks the same, but does not catch up.
StreamCheck::Reason StreamCheck::behind(const BucketState& report, Revision known, TimePoint now) {
  if (!report.has_replicas) return Reason::kRolledBack;
  next_compare_ = now + kBehindPause;
  if (!behind_since_ || report.last_seq >= behind_until_) {
    behind_since_ = now;
    behind_until_ = known;
  }
  return now - *behind_since_ < kBehindPatience ? Reason::kNone : Reason::kBehind;
}

StreamCheck::Reason StreamCheck::no_answer(bool deleted, TimePoint now) {
  next_compare_ = now + kNoAnswerPause;
  return deleted ? Reason::kDeleted : Reason::kNone;
}

// The stream begins at `first` now. A gap below does not matter any more.
void StreamCheck::leave(Revision first) {
  begin_ = std::max(begin_, first);
  if (gap_ < first) gap_ = 0;
}

void StreamCheck::leave_if_due(Revision applied) {
  if (!leaving_ || applied < leaving_->once_applied) return;
  leave(leaving_->first);
  leaving_.reset();
}

// With a history of 1 no write lowers the count of entries, not even a deletion: it leaves a mark.
// A rollup does: forget_count().
bool StreamCheck::shrank(const BucketState& report, WallTime now) const {
  if (report.entries >= reported_.entries) return false;
  // One large entry pushes out many small ones. If others left with them, leave() tells the table.
  if (report.discards_old && report.first_seq > reported_.first_seq) return false;
  if (!may_have_expired(reported_.first_time, now)) return true;
  return report.entries == 0 && !may_have_expired(newest_, now);
}

bool StreamCheck::may_have_expired(WallTime written, WallTime now) const {
  // The servers' clocks may be ahead of ours.
  return reported_.max_age > 0ns && written + reported_.max_age <= now + 5s;
}

std::string text_of(StreamCheck::Reason reason) {
  using Reason = StreamCheck::Reason;
  switch (reason) {
    case Reason::kNone:
      return "";
    case Reason::kDeliveryMissing:
      return "a delivery is missing";
    case Reason::kLastDeliveryMissing:
      return "the last delivery is missing";
    case Reason::kSilent:
      return "nothing heard from the consumer";
    case Reason::kConnectionLost:
      return "the connection was lost";
    case Reason::kReadStalled:
      return "nothing more is delivered of what the stream holds";
    case Reason::kRolledUpInRead:
      return "a key was rolled up while the bucket was read";
    case Reason::kPurged:
      return "entries of the stream were purged";
    case Reason::kUndelivered:
      return "entries of the stream were not delivered";
    case Reason::kGap:
      return "entries are gone undelivered";
    case Reason::kShrunk:
      return "entries of the stream are gone";
    case Reason::kDeleted:
      return "the bucket is gone";
    case Reason::kRecreated:
      return "the bucket was created again";
    case Reason::kConfigured:
      return "the bucket's configuration was changed";
    case Reason::kRolledBack:
      return "the stream's sequence went backwards";
    case Reason::kBehind:
      return "the stream ends before what was delivered";
    case Reason::kBroken:
      return "the consumer is broken";
    case Reason::kOtherEntries:
      return "the stream has other entries than those that were delivered last";
    case Reason::kLeft:
      return "entries left the stream while it was not followed";
    case Reason::kUnproven:
      return "entries may have left the stream while it was not followed";
    case Reason::kTooMuch:
      return "too much was written while the stream was not followed";
  }
  return "";
}

bool is_loss(StreamCheck::Reason reason) {
  using Reason = StreamCheck::Reason;
  return reason >= Reason::kDeliveryMissing && reason <= Reason::kBroken;
}

ResyncReason resync_reason(StreamCheck::Reason reason) {
  using Reason = StreamCheck::Reason;
  switch (reason) {
    case Reason::kPurged:
      return ResyncReason::kPurged;
    case Reason::kGap:
    case Reason::kShrunk:
    case Reason::kLeft:
      return ResyncReason::kGone;
    case Reason::kDeleted:
    case Reason::kRecreated:
      return ResyncReason::kRecreated;
    case Reason::kConfigured:
      return ResyncReason::kConfigured;
    case Reason::kRolledBack:
    case Reason::kOtherEntries:
      return ResyncReason::kRolledBack;
    case Reason::kUnproven:
    case Reason::kTooMuch:
      return ResyncReason::kUnproven;
    case Reason::kNone:
    case Reason::kDeliveryMissing:
    case Reason::kLastDeliveryMissing:
    case Reason::kSilent:
    case Reason::kConnectionLost:
    case Reason::kUndelivered:
    case Reason::kBehind:
    case Reason::kBroken:
    case Reason::kReadStalled:
    case Reason::kRolledUpInRead:
      break;
  }
  return ResyncReason::kLost;
}

}  // namespace bide
