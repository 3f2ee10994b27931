// server/nats/stream_check.h: Checks what a consumer delivers, and decides when the bucket has to
// be followed by a new consumer, or read again.
//
// One object serves one consumer: a full read, or the tail that was written since the last one was
// lost, and the time after it. The follower passes it everything that it receives: entries,
// heartbeats, silence, advisories, and every 2 s the state of the stream. Most calls return a
// Reason: kNone, or why this consumer is of no use any more. place() then says whether another one
// can go on from there (server/nats/resume.h). It does no I/O and has no clock.
//
// Thread safety: none; one thread uses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/job/position.h"
#include "server/metrics/metrics.h"
#include "server/nats/bucket.h"
#include "server/nats/place.h"

namespace bide {

// What an entry removed from the stream when it was stored, by its own header. Every writer can set
// that header.
enum class Rollup : std::uint8_t {
  kNone,
  kKey,  // The older entries of its key.
  kAll,  // All older entries.
};

class StreamCheck {
 public:
  enum class Reason : std::uint8_t {
    kNone,
    // The consumer is lost. Another one may go on where it ended.
    kDeliveryMissing,      // The consumer's sequence has a gap.
    kLastDeliveryMissing,  // A heartbeat counts a delivery that did not arrive.
    kSilent,               // Three heartbeats are overdue.
    kConnectionLost,       // There is a new connection, perhaps to another server.
    kUndelivered,          // The stream holds entries that are overdue.
    kBehind,               // It ends before what was delivered, but no rollback is certain.
    kBroken,               // The server or the library ended it.
    // The bucket has to be read.
    kReadStalled,     // Heartbeats only, before the read is complete.
    kRolledUpInRead,  // nats-server may have skipped entries during the read.
    kPurged,          // An advisory reported a purge.
    kGap,             // An entry was gone before it was delivered.
    kShrunk,          // The stream holds fewer entries, without expiry or rollup: a purge.
    kDeleted,         // The bucket does not exist.
    kRecreated,       // Another stream has the bucket's name.
    kConfigured,      // The stream keeps its entries by other rules than before.
    kRolledBack,      // The sequence went backwards: a store restored, unsynced data lost.
    // Found when another consumer was to go on.
    kOtherEntries,  // The stream has other entries than those delivered last.
    kLeft,          // Entries left without a trace.
    kUnproven,      // Neither can be excluded.
    kTooMuch,       // More was written than can be kept until it is proven.
  };

  struct Delivery {
    std::uint64_t consumer_seq = 0;  // Counts the consumer's deliveries, from 1.
    Revision revision = 0;
    WallTime written{};
    Rollup rollup = Rollup::kNone;
    std::uint64_t key = 0, content = 0;  // See Anchor.

    [[nodiscard]] Anchor anchor() const { return {revision, written, key, content}; }
  };

  struct Heartbeat {
    std::uint64_t consumer_seq = 0;  // Of the consumer's last delivery.
    // Up to here the server has looked for entries to deliver. More than the last entry's revision
    // if newer entries are gone.
    Revision looked_through = 0;
  };
  struct Settings {
    std::chrono::milliseconds heartbeat{1000};
    std::chrono::milliseconds reconcile_interval{2000};
  };

  // `start`: the stream's state before the consumer was made. The read delivers all that it held,
  // except what is gone. `link`: the connection at that time.
  StreamCheck(const BucketState& start, Link link, Settings settings, TimePoint now);
  [[nodiscard]] Link link() const { return link_; }

  // --- What the consumer sends, in order.
  [[nodiscard]] Reason deliver(const Delivery& delivery);
  // The entry just delivered has overwritten one that was delivered before.
  void overwrote() { --keys_; }
  [[nodiscard]] Reason deliver(const Heartbeat& heartbeat);
  // Nothing came. `last_heard`: when the last message of any kind came.
  [[nodiscard]] Reason wait(TimePoint last_heard, TimePoint now) const;
  // The newest revision that was delivered, or is known to be gone.
  [[nodiscard]] Revision delivered() const { return delivered_; }

  // Where another consumer can go on, with `revision` being the last one that is applied. nullopt:
  // the bucket has to be read, because something left that is still in the table, or may have.
  [[nodiscard]] std::optional<Place> place() const;
  // When the bucket may be read again: for a purge; for a gap; for entries that are gone. The last
  // two can be caused by a writer. Entries are applied until then.
  struct Calm {
    TimePoint purge{}, gap{}, count{};
  };
  [[nodiscard]] const Calm& calm() const { return calm_; }

  // --- The tail, instead of a full read and installed().
  // All that was written since the place is delivered up to `report`, and applied. `counted`:
  // nothing left. `calm`: that of the last consumer.
  void resumed(const BucketState& report, bool counted, const Calm& calm);

  // --- The full read, before installed().
  // The read is at the end of the stream as it was at the start. Entries that were overwritten
  // meanwhile come behind that end, so the stream's state has to be asked for once more.
  [[nodiscard]] bool needs_new_end() const { return !end_is_new_ && reached_ >= end_; }
  void set_new_end(const BucketState& state);
  [[nodiscard]] bool read_is_complete() const { return end_is_new_ && reached_ >= end_; }
  // No entry came, but perhaps a heartbeat.
  [[nodiscard]] Reason idle_in_read(TimePoint now);
  // When the read is complete: whether it may be shown. `doubtful_reads` counts how many reads in a
  // row were not; this updates it.
  [[nodiscard]] Reason end_read(Link link, int& doubtful_reads);
  // The read began at `began`, and the table shows it now. `hears_purges`: advisories are received.
  void installed(TimePoint began, TimePoint now, bool hears_purges);

  // --- What others say of the stream.
  // Entries were purged. From now on nothing may be applied: it would make states that never
  // existed. suspicion() is the reason to read again, at calm_at() at the earliest, so that many
  // purges in a row do not make bide read a large bucket all the time.
  void purged() { suspicion_ = Reason::kPurged; }
  [[nodiscard]] Reason suspicion() const { return suspicion_; }
  [[nodiscard]] TimePoint calm_at() const { return calm_.purge; }
  // Something may have changed: compare() is due.
  void doubt() { next_compare_ = {}; }

  // --- The regular look, after installed().
  // True every 250 ms: look() is due.
  [[nodiscard]] bool begin_look(TimePoint now);
  // `applied`: up to where the table has come.
  [[nodiscard]] Reason look(Link link, Revision applied, TimePoint now);
  // True when the stream's state has to be asked for, for compare() or no_answer().
  [[nodiscard]] bool begin_compare(TimePoint now);
  // The same, before an entry is applied that says it removed all others. Asked at most every 50
  // ms.
  [[nodiscard]] bool begin_compare_before(const Delivery& delivery, TimePoint now);
  // `report`: the stream's state, asked for after the last delivery. `link`: the connection after
  // the answer. `wall_now` tells what may have expired. If entries expire all the time, a purge is
  // found only once the stream is empty.
  [[nodiscard]] Reason compare(const BucketState& report, Link link, Revision applied,
                               WallTime wall_now, TimePoint now);
  // The stream's state is not known; `deleted`: because there is no stream.
  [[nodiscard]] Reason no_answer(bool deleted, TimePoint now);
  // By compare(): where the stream ended, if that was not delivered yet. Else an older revision.
  [[nodiscard]] Revision owed() const { return owed_; }
  // Entries below this revision have left the stream at its beginning, and must leave the table.
  // 0: nothing new since the last call.
  [[nodiscard]] Revision take_begin() { return std::exchange(begin_, 0); }

 private:
  void pass(Revision revision);
  void judge_count();
  void forget_count();
  void leave(Revision first);
  void leave_if_due(Revision applied);
  bool is_overdue(TimePoint now);
  Reason behind(const BucketState& report, Revision known, TimePoint now);
  bool shrank(const BucketState& report, WallTime now) const;
  bool may_have_expired(WallTime written, WallTime now) const;
  // A comparison found fewer entries than before, and some that were not delivered yet. One of
  // those could have been a rollup; now all are delivered, and none was.
  [[nodiscard]] bool has_shrunk() const { return shrunk_at_ != 0 && delivered_ >= shrunk_at_; }

  const Settings settings_;
  const Link link_;
  // The last report; during the read, the state at its start.
  BucketState reported_;

  std::uint64_t consumer_seq_ = 0;  // Of the last delivery.
  Revision delivered_;
  Revision gap_ = 0;  // The highest revision that is missing; 0: none.
  // The keys of all deliveries. The stream holds as many entries, if none is gone but those that
  // were overwritten, delivered or not: then a gap is harmless. It may be too high, because a key
  // that was deleted or garbage counts again; without a gap a report corrects it.
  std::uint64_t keys_ = 0;
  struct Count {
    Revision last_seq;
    std::uint64_t entries;
  };
  std::optional<Count>
      count_;             // A report, to be compared with keys_ once all up to it is delivered.
  bool counted_ = false;  // They were equal.
  // The server that reports the stream's state was behind then, and what it has to catch up with.
  std::optional<TimePoint> behind_since_;
  Revision behind_until_ = 0;
  Revision shrunk_at_ = 0;  // See has_shrunk(): where the stream ended then; 0: it has not shrunk.
  bool shrunk_ = false;
  Revision rolled_up_ = 0;  // The entry that says it removed all others, not compared yet; 0: none.
  WallTime newest_;         // When the newest delivered entry was written.

  Revision reached_ = 0;  // By the read.
  Revision end_;          // Where the read is complete.
  bool end_is_new_;
  Revision first_;  // Where the stream begins, by the newest report during the read.
  Revision last_entry_ = 0;
  bool skipped_ = false;
  TimePoint idle_since_ = kEndOfTime;

  Reason suspicion_ = Reason::kNone;
  Anchors anchors_;
  bool unproven_ = false;  // Entries may have left before this consumer.
  Calm calm_;
  TimePoint rollup_calm_at_{};
  TimePoint next_look_{};
  TimePoint next_compare_;

  // Where the stream begins by a report, and what must be applied before that counts: the oldest
  // entry may have been replaced by one that is still to be delivered.
  struct Leaving {
    Revision first;
    Revision once_applied;
  };
  std::optional<Leaving> leaving_;
  Revision begin_ = 0;

  Revision owed_ = 0;
  Revision delivered_before_ = 0;  // At the last look.
  TimePoint owed_by_ = kEndOfTime;
};

// For the log. Empty for kNone.
[[nodiscard]] std::string text_of(StreamCheck::Reason reason);
// Only the consumer is lost.
[[nodiscard]] bool is_loss(StreamCheck::Reason reason);
// For metrics, why the bucket is read again.
[[nodiscard]] ResyncReason resync_reason(StreamCheck::Reason reason);

}  // namespace bide
