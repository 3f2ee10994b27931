// server/nats/follower.h: Follows one bucket: reads it completely into the job table, then applies
// each new entry, until something is wrong. Then the caller calls follow() again.
//
// There are two remedies. If only the consumer or the connection is lost, another consumer goes on
// where the last one ended, if it can be proven that nothing else changed. In all other cases (a
// bucket that was created or configured again, a store that was rolled back, purged entries) the
// bucket is read again. StreamCheck and Resume decide; the follower does the I/O. Meanwhile the
// table serves the old state, and Contact tells how old that is.
//
// Thread safety: none; one thread (the watcher's) uses it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/contact.h"
#include "core/base/mutex.h"
#include "core/base/stop_signal.h"
#include "core/table/job_table.h"
#include "server/metrics/metrics.h"
#include "server/nats/bucket.h"
#include "server/nats/bucket_advisories.h"
#include "server/nats/bucket_feed.h"
#include "server/nats/checkpoints.h"
#include "server/nats/intake.h"
#include "server/nats/login/nats_connection.h"
#include "server/nats/place.h"
#include "server/nats/resume.h"
#include "server/nats/stream_check.h"

namespace bide {

class Follower {
 public:
  struct Settings {
    std::string bucket{kDefaultBucket};
    // Creates the bucket if it is missing. If this is false bide waits for it, because a mistyped
    // name must not become a bucket.
    bool create_bucket = false;
    int bucket_replicas = 1;
    bool clustered = false;  // bide's own nats-server is one of a cluster.
    std::size_t jobs_max = JobTable::Options{}.jobs_max;
    std::chrono::milliseconds heartbeat{1000};
    // How often the stream's state is compared with what was delivered. It takes nats-server 0.1
    // ms, and is the only sign of a change that nats-server does not report.
    std::chrono::milliseconds reconcile_interval{2000};
    // Where to begin instead of reading the bucket, and where to leave off. May be null; must
    // outlive the follower.
    Checkpoints* checkpoints = nullptr;
  };

  // All must outlive the follower.
  Follower(Settings settings, JobTable& table, Contact& contact, Metrics& metrics,
           StopSignal& stop);

  // Blocks until there is a reason to begin again and returns it, in one line; or until the stop
  // signal is set, and returns an empty string.
  [[nodiscard]] std::string follow(NatsConnection& connection);
  // The next follow() does not read the bucket, but goes on.
  [[nodiscard]] bool goes_on() const { return place_.has_value(); }
  // When no follow() will come any more: writes a last checkpoint if that is worth it. Does not
  // wait for it.
  void save_at_end();
  // The bucket is a mirror whose tags are those of its origin.
  struct Mirror {
    Upstream upstream;
    Epoch epoch;  // Of the origin.
  };
  // May be called from any thread.
  [[nodiscard]] std::optional<Mirror> mirror() const EXCLUDES(mutex_);
  // Why nothing can be written to the bucket; empty: it can. May be called from any thread.
  [[nodiscard]] std::string read_only() const EXCLUDES(mutex_);
  // The last follow() ended because the bucket does not exist. The log and Contact report that.
  [[nodiscard]] bool waits_for_bucket() const { return waits_for_bucket_; }

 private:
  // How long one wait for a delivery may block: the delay of stopping, and of seeing that the
  // connection is lost.
  static constexpr std::chrono::milliseconds kTick{250};
  // Of one follow().
  struct Session {
    NatsConnection& connection;
    BucketAdvisories& advisories;
    BucketFeed& feed;
    StreamCheck check;
    // The stream answered when it was last asked, and could be written to. A heartbeat alone may
    // come from a server that has lost all others.
    bool vouched_for;
    std::chrono::milliseconds request_timeout;
  };
  // An entry of the tail, which cannot be applied yet.
  struct Kept {
    std::string bytes;  // The key, and the value behind it.
    std::size_t key_bytes;
    bool deleted;
    Revision revision;
    WallTime written;
    std::uint64_t pending;
    TimePoint came;
  };

  // The bucket's state, or the error. Creates the bucket if the settings say so.
  std::variant<BucketState, std::string> find_bucket(NatsConnection& connection);
  // Decides the epoch of the tags: that of the stream, or of the one that it mirrors.
  void choose_epoch(const NatsConnection& connection, const BucketState& bucket,
                    const BucketConfig& config) EXCLUDES(mutex_);
  // Warns the operator of risky options of the bucket, once for each, and of fewer or more copies
  // than the settings name.
  void tell(const BucketConfig& config);
  // `domain`: of the JetStream that has no such bucket; empty: unknown.
  std::string wait_for_bucket(const NatsConnection& connection, std::string domain);
  std::chrono::milliseconds patience(const BucketState& bucket) const;
  // Each returns the reason to begin again; empty: none.
  std::string read_all(Session& session, const BucketState& bucket);
  std::string go_on(Session& session, const BucketState& bucket);
  std::string apply_live(Session& session);
  // The reason why live entries cannot be applied any more.
  StreamCheck::Reason next_live(Session& session);
  StreamCheck::Reason look_around(Session& session, TimePoint now);
  StreamCheck::Reason compare(Session& session);
  // Fills `tail` until it is proven that it can be applied. kNone: it is, or this was stopped.
  StreamCheck::Reason prove(Session& session, Resume& resume, std::vector<Kept>& tail);
  static Kept kept_of(const RawEntry& entry, TimePoint came, std::uint64_t pending);
  void apply(const RawEntry& entry, TimePoint came, std::uint64_t pending);
  void apply_tail(const std::vector<Kept>& tail);
  // Makes the place that of the checkpoint, if there is one.
  void take_checkpoint();
  // Writes a checkpoint if it is time for one and the place can be proven later.
  void save(const std::optional<Place>& place, bool ending);
  // The bucket has to be read.
  void forget_place(StreamCheck::Reason reason);
  static StreamCheck::Reason receive(Session& session, BucketFeed::Got got);
  static void take_advisories(Session& session);
  void apply(Session& session, BucketFeed::Got got, TimePoint now);
  void remove_what_left(Session& session);
  void install(BucketRead read, const BucketState& bucket, Session& session, TimePoint began);
  void hear(const Session& session, TimePoint now);

  const Settings settings_;
  JobTable& table_;
  Contact& contact_;
  Metrics& metrics_;
  StopSignal& stop_;
  Intake intake_;
  std::optional<TimePoint> missing_since_;
  Epoch own_epoch_ = 0;  // Of the stream for which epoch_ was chosen.
  Epoch epoch_ = 0;      // Of the tags.
  Epoch loaded_epoch_ = 0;
  mutable Mutex mutex_;
  std::optional<Mirror> mirror_ GUARDED_BY(mutex_);
  std::string read_only_ GUARDED_BY(mutex_);
  bool waits_for_bucket_ = false;
  // Where to go on. nullopt: the bucket has to be read, for this reason.
  std::optional<Place> place_;
  ResyncReason read_for_ = ResyncReason::kLost;
  // The content of the checkpoint, until its stream is found.
  bool looked_for_checkpoint_ = false;
  std::optional<BucketRead> loaded_;
  // Then the table shows that, but nobody is served from it until its place is proven.
  bool unshown_ = false;
  const TimePoint started_ = system_clock().now();
  StreamCheck::Calm calm_;
  std::vector<std::string_view> told_powers_;
  std::uint64_t told_replicas_ = 0;
  int failed_opens_ = 0;     // In a row, and not refused.
  int stalled_resumes_ = 0;  // In a row.
  int doubtful_reads_ = 0;   // In a row.
};

}  // namespace bide
