// server/nats/follower.h: Follows one bucket: reads it completely into the job table, then applies
// each new entry, until something is wrong. Then the caller calls follow() again.
//
// Reading again is the only remedy, for all problems: a new connection, a missing or overdue
// delivery, a bucket that was created or configured again, a store that was rolled back, purged
// entries. StreamCheck finds them; the follower does the I/O. Meanwhile the table serves the old
// state, and Contact tells how old that is.
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
#include "core/base/stop_signal.h"
#include "core/table/job_table.h"
#include "server/metrics/metrics.h"
#include "server/nats/bucket.h"
#include "server/nats/bucket_advisories.h"
#include "server/nats/bucket_feed.h"
#include "server/nats/intake.h"
#include "server/nats/login/nats_connection.h"
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
    std::size_t jobs_max = JobTable::Options{}.jobs_max;
    std::chrono::milliseconds heartbeat{1000};
    // How often the stream's state is compared with what was delivered. It takes nats-server 0.1
    // ms, and is the only sign of a change that nats-server does not report.
    std::chrono::milliseconds reconcile_interval{2000};
  };

  // All must outlive the follower.
  Follower(Settings settings, JobTable& table, Contact& contact, Metrics& metrics,
           StopSignal& stop);

  // Blocks until there is a reason to read again and returns it, in one line; or until the stop
  // signal is set, and returns an empty string.
  [[nodiscard]] std::string follow(NatsConnection& connection);
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
  };

  // The bucket's state, or the error. Creates the bucket if the settings say so.
  std::variant<BucketState, std::string> find_bucket(NatsConnection& connection);
  // Warns the operator of risky options of the bucket, once for each.
  void tell(const BucketConfig& config);
  std::string wait_for_bucket(const NatsConnection& connection);
  // Each returns the reason to read again; empty: none.
  std::string read_all(Session& session, const BucketState& bucket);
  std::string apply_live(Session& session);
  std::string look_around(Session& session, TimePoint now);
  std::string compare(Session& session);
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
  bool waits_for_bucket_ = false;
  std::vector<std::string_view> told_powers_;
  // For making a consumer: a cluster during an election loses the request, a large stream takes
  // long.
  std::chrono::milliseconds patience_ = BucketFeed::kPatienceMin;
  int doubtful_reads_ = 0;  // In a row.
};

}  // namespace bide
