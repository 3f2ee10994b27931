// How a follower begins (server/nats/follower.h): it finds or creates the bucket and reads all of
// it.
#include <malloc.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/log/log.h"
#include "server/nats/follower.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// If a bucket disappears, its owner gets this time to create it again with their configuration.
constexpr auto kMissingGrace = 5s;
constexpr auto kElectionTimeout = 500ms;
// How many buckets the log names.
constexpr std::size_t kBucketsShown = 20;

// `jobs, logs and 3 more`.
std::string shown(const std::variant<std::vector<std::string>, std::string>& listed) {
  if (const auto* why = std::get_if<std::string>(&listed)) return "not known: " + *why;
  const auto& buckets = std::get<std::vector<std::string>>(listed);
  std::string text = buckets.empty() ? "none" : "";
  for (std::size_t i = 0; i < std::min(buckets.size(), kBucketsShown); ++i) {
    text += (i == 0 ? "" : ", ") + buckets[i];
  }
  if (buckets.size() <= kBucketsShown) return text;
  return text + " and " + std::to_string(buckets.size() - kBucketsShown) + " more";
}

double seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::variant<BucketState, std::string> Follower::find_bucket(NatsConnection& connection) {
  // While a cluster elects a leader nobody answers, and afterwards a second request is sooner.
  const bool replicated = place_ && place_->bucket.has_replicas;
  auto state = read_bucket_state(connection, settings_.bucket,
                                 replicated ? kElectionTimeout : kBucketRequestTimeout);
  const auto* const failure = std::get_if<BucketFailure>(&state);
  if (failure == nullptr || !failure->missing) {
    waits_for_bucket_ = false;
    contact_.set_obstacle(failure != nullptr && settings_.clustered
                              ? "the cluster of nats-servers has no leader yet; more than half of "
                                "them must run and reach each other (--cluster-peers)"
                              : "");
    if (failure != nullptr) return failure->text;
    missing_since_.reset();
    return std::get<BucketState>(state);
  }
  const TimePoint now = system_clock().now();
  if (!missing_since_) missing_since_ = now;
  if (contact_.ready() && now < *missing_since_ + kMissingGrace) return "the bucket is gone";
  // A leaf node with a domain of its own does not know the buckets of its hub. An empty one there
  // would look like a queue without jobs, so the user must have named the domain.
  const bool chosen = !connection.js_api().is_usual();
  if (!settings_.create_bucket) return wait_for_bucket(connection, {});
  if (const std::string domain = chosen ? "" : read_domain(connection); !domain.empty()) {
    return wait_for_bucket(connection, domain);
  }
  if (const auto refused = create_bucket(connection, settings_.bucket, settings_.bucket_replicas)) {
    contact_.set_obstacle("the bucket " + settings_.bucket +
                          " cannot be created: " + refused->text);
    return "the bucket is missing and cannot be created: " + refused->text;
  }
  missing_since_.reset();
  contact_.set_obstacle({});
  log_info("bucket created", {{"bucket", settings_.bucket}});
  state = read_bucket_state(connection, settings_.bucket);
  if (const auto* created = std::get_if<BucketState>(&state)) return *created;
  return std::get<BucketFailure>(state).text;
}

void Follower::tell(const BucketConfig& config) {
  const auto wished = static_cast<std::uint64_t>(settings_.bucket_replicas);
  if (wished > 1 && config.replicas != wished &&
      std::exchange(told_replicas_, config.replicas) != config.replicas) {
    log_warn(
        "the bucket has another number of replicas than --bucket-replicas; bide changes no "
        "bucket that exists",
        {{"stream", stream_of(settings_.bucket)},
         {"replicas", config.replicas},
         {"cure", "nats stream edit " + stream_of(settings_.bucket) + " --replicas " +
                      std::to_string(wished)}});
  }
  for (const WriterPower& power : writer_powers()) {
    const auto has = [&](const std::vector<std::string_view>& powers) {
      return std::find(powers.begin(), powers.end(), power.option) != powers.end();
    };
    if (!has(config.powers) || has(told_powers_)) continue;
    told_powers_.push_back(power.option);
    log_warn("the bucket gives its writers more power than they need",
             {{"stream", stream_of(settings_.bucket)},
              {"option", power.option},
              {"danger", power.danger},
              {"cure", power.cure}});
  }
}

std::string Follower::wait_for_bucket(const NatsConnection& connection, std::string domain) {
  std::string missing = "the bucket " + settings_.bucket + " does not exist";
  if (std::exchange(waits_for_bucket_, true)) return missing;
  const bool chosen = !connection.js_api().is_usual();
  if (domain.empty() && !chosen) domain = read_domain(connection);
  std::string trouble = missing;
  if (chosen) trouble += " at " + connection.js_api().prefix();
  if (!domain.empty()) trouble += " in the JetStream domain " + domain + " of this server";
  std::string cure;
  if (domain.empty() || !settings_.create_bucket) {
    cure = "check --bucket, create it (nats kv add " + settings_.bucket +
           " --history 1), or start bide serve with --create-bucket";
  }
  if (!domain.empty()) {
    cure += (cure.empty() ? "" : "; ") +
            std::string("give --nats-domain and the name of the domain that has the bucket");
    if (settings_.create_bucket) cure += ", or --nats-domain " + domain + " to create it here";
  }
  contact_.set_obstacle(trouble + "; " + cure);
  log_warn(
      "the bucket does not exist; waiting for it",
      {{"bucket", settings_.bucket}, {"buckets", shown(list_buckets(connection))}, {"cure", cure}});
  return trouble;
}

std::string Follower::read_all(Session& session, const BucketState& bucket) {
  const TimePoint began = system_clock().now();
  metrics_.begin_stream(bucket.last_seq);
  BucketRead read(settings_.jobs_max, session.check.link(), table_.memory_max());
  StreamCheck& check = session.check;
  // Entries come in the stream's order. The server's count of entries to come does not decide the
  // end: it is a guess if entries expire or are written meanwhile. If the last entry is gone, a
  // heartbeat ends the read: it comes when everything is delivered that the server has. In a
  // cluster that may be less than the stream holds, for a moment.
  while (!check.read_is_complete()) {
    if (stop_.requested()) return {};
    const BucketFeed::Got got = session.feed.next(kTick);
    if (got == BucketFeed::Got::kBroken) return session.feed.trouble();
    if (std::string trouble = text_of(receive(session, got)); !trouble.empty()) return trouble;
    if (got == BucketFeed::Got::kEntry) {
      const RawEntry& entry = session.feed.entry();
      if (intake_.admit(entry, [&](const Entry& e) { return read.absorb(e); })) check.overwrote();
      metrics_.deliver(entry.revision, session.feed.pending());
    }
    // Without this, jobs that were overwritten during the read would be missing for a moment, and
    // requests held for them would be told so.
    if (check.needs_new_end()) {
      const auto state = read_bucket_state(session.connection, settings_.bucket);
      if (const auto* failure = std::get_if<BucketFailure>(&state)) return failure->text;
      check.set_new_end(std::get<BucketState>(state));
    }
    if (got == BucketFeed::Got::kEntry) continue;
    std::string trouble = text_of(check.idle_in_read(system_clock().now()));
    if (!trouble.empty()) return trouble;
  }
  take_advisories(session);
  std::string trouble = text_of(check.end_read(session.connection.link(), doubtful_reads_));
  if (!trouble.empty()) return trouble;
  if (const Revision begin = check.take_begin(); begin != 0) read.let_go(begin);
  read.reach(check.delivered());
  // An entry that is not delivered by now is gone.
  metrics_.deliver(check.delivered(), 0);
  install(std::move(read), bucket, session, began);
  return {};
}

void Follower::install(BucketRead read, const BucketState& bucket, Session& session,
                       TimePoint began) {
  table_.install(std::move(read), epoch_, bucket.max_age);
  // The messages of a large read leave the heap of nats.c's thread in pieces: up to a fifth of the
  // table's own memory, and never needed again.
  ::malloc_trim(0);
  if (contact_.ready()) count(metrics_.resyncs[static_cast<std::size_t>(read_for_)]);
  const TimePoint now = system_clock().now();
  session.check.installed(began, now, session.advisories.listens());
  hear(session, now);
  contact_.set_ready(true);
  log_info("bucket read", {{"bucket", settings_.bucket},
                           {"jobs", std::uint64_t{table_.jobs()}},
                           {"revision", table_.applied_revision()},
                           {"seconds", seconds(now - began)}});
}

}  // namespace bide
