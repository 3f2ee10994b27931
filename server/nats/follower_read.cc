// How a follower begins (server/nats/follower.h): the bucket is found or created, and read whole.
#include <malloc.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "server/log/log.h"
#include "server/nats/follower.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// A bucket that was there is given time to be created again by whoever deleted it, with the
// configuration they want.
constexpr auto kMissingGrace = 5s;
// After it was read a bucket is left alone for some times as long as that took, within limits:
// after a purge, which takes more rights than writing does, for four times.
constexpr auto kCalmMin = 500ms, kCalmMax = 4000ms;
// For what a writer of a single key can bring about, by writing faster than it is delivered or with
// headers, longer: while the bucket is read, news wait. For a gap, where a purge would be heard of
// besides and the read is one that is noticed, so long that less than one in a hundred has to wait.
constexpr int kWriterCalm = 20, kWriterCalmHearing = 200;
constexpr auto kGapCalmMin = 5s, kWriterCalmMax = 300s;
constexpr auto kNoticed = 100ms;
// A read that something was purged during is not shown; but where somebody purges all the time, one
// in so many is.
constexpr int kSpoiledReadsMax = 3;
// For a server of a cluster that is behind the others, or one whose flow control is stuck: its
// heartbeats go on.
constexpr auto kReadPatience = 4s;

// Of those that there are, for the log.
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
  auto state = read_bucket_state(connection, settings_.bucket);
  const auto* const failure = std::get_if<BucketFailure>(&state);
  if (failure == nullptr || !failure->missing) {
    waits_for_bucket_ = false;
    contact_.set_obstacle({});
    if (failure != nullptr) return failure->text;
    missing_since_.reset();
    return std::get<BucketState>(state);
  }
  const TimePoint now = system_clock().now();
  if (!missing_since_) missing_since_ = now;
  if (contact_.ready() && now < *missing_since_ + kMissingGrace) return "the bucket is gone";
  if (!settings_.create_bucket) return wait_for_bucket(connection);
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

std::string Follower::wait_for_bucket(const NatsConnection& connection) {
  std::string trouble = "the bucket " + settings_.bucket + " does not exist";
  if (std::exchange(waits_for_bucket_, true)) return trouble;
  const std::string cure = "check --bucket, create it (nats kv add " + settings_.bucket +
                           " --history 1), or start bide serve with --create-bucket";
  contact_.set_obstacle(trouble + "; " + cure);
  log_warn(
      "the bucket does not exist; waiting for it",
      {{"bucket", settings_.bucket}, {"buckets", shown(list_buckets(connection))}, {"cure", cure}});
  return trouble;
}

std::string Follower::read_all(Session& session, const BucketState& bucket) {
  const TimePoint began = system_clock().now();
  metrics_.begin_stream(bucket.last_seq);
  BucketRead read(settings_.jobs_max, session.link, table_.memory_max());
  // Entries come in the stream's order. The server's count of those to come is not asked: what it
  // says where entries expire or are written meanwhile is its guess. If the last one is gone a
  // heartbeat ends the read: it comes when all is delivered that the server has, which in a cluster
  // may be less than the stream holds, for a moment.
  TimePoint idle_since = kEndOfTime;
  // What was overwritten before its turn came is not delivered, and what replaced it comes behind
  // all that there was. So the end is where the stream ends once that has been delivered: without
  // it jobs would be missing for a moment, and who is held for them would be told so.
  Revision end = bucket.last_seq;
  Revision first = bucket.first_seq;
  bool looked_again = false;
  bool complete = bucket.entries == 0;
  const auto reach = [&](Revision revision) -> std::optional<std::string> {
    complete = revision >= end;
    if (!complete || std::exchange(looked_again, true)) return std::nullopt;
    const auto state = read_bucket_state(session.connection, settings_.bucket);
    if (const auto* failure = std::get_if<BucketFailure>(&state)) return failure->text;
    end = std::get<BucketState>(state).last_seq;
    first = std::get<BucketState>(state).first_seq;
    complete = revision >= end;
    return std::nullopt;
  };
  while (!complete) {
    if (stop_.requested()) return {};
    const BucketFeed::Got got = session.feed.next(kTick);
    if (got == BucketFeed::Got::kBroken) return session.feed.trouble();
    if (got == BucketFeed::Got::kEntry) {
      read_entry(session, read, bucket.last_seq);
      if (auto trouble = reach(session.feed.entry().revision)) return *trouble;
      idle_since = kEndOfTime;
      continue;
    }
    if (got == BucketFeed::Got::kIdle) {
      session.ledger.pass(session.feed.passed());
      if (auto trouble = reach(session.feed.passed())) return *trouble;
    }
    const TimePoint now = system_clock().now();
    idle_since = std::min(idle_since, now);
    if (!complete && now - idle_since > kReadPatience) {
      return "nothing more is delivered of what the stream holds";
    }
  }
  look_for_suspicion(session);
  std::string_view doubt = session.suspicion;
  if (doubt.empty() && session.skipped) doubt = "a key was rolled up while the bucket was read";
  if (!doubt.empty() && ++spoiled_reads_ <= kSpoiledReadsMax) return std::string(doubt);
  session.suspicion = doubt;
  spoiled_reads_ = 0;
  // What came before and after may be of two streams.
  if (session.connection.link() != session.link) return std::string(kConnectionLost);
  if (first > bucket.first_seq && (bucket.lets_go() || session.rolled_up != 0)) {
    read.let_go(first);
    session.ledger.let_go(first);
  }
  read.reach(session.ledger.delivered());
  // What is not delivered by now is gone.
  metrics_.deliver(session.ledger.delivered(), 0);
  install(std::move(read), bucket, session, began);
  return {};
}

// `read_from`: where the stream ended before the read.
void Follower::read_entry(Session& session, BucketRead& read, Revision read_from) {
  const RawEntry& entry = session.feed.entry();
  intake_.admit(entry, [&](const Entry& e) { return read.absorb(e); });
  const Revision before = std::exchange(session.last_read, entry.revision);
  const bool rolled_up = session.feed.rolled_up() != BucketFeed::Rollup::kNone;
  const bool came_meanwhile = entry.revision > read_from;
  if (rolled_up && came_meanwhile && entry.revision > before + 1) session.skipped = true;
  metrics_.deliver(entry.revision, session.feed.pending());
  deliver(session);
}

void Follower::install(BucketRead read, const BucketState& bucket, Session& session,
                       TimePoint began) {
  table_.install(std::move(read), bucket.epoch, bucket.max_age);
  // The messages of a large read leave the heap of nats.c's thread in pieces: up to a fifth of what
  // the table itself takes, and never needed again.
  ::malloc_trim(0);
  if (contact_.ready()) count(metrics_.resyncs);
  const TimePoint now = system_clock().now();
  const auto calm = [&](int times, auto least, auto most) {
    return now + std::clamp<TimePoint::duration>(times * (now - began), least, most);
  };
  session.calm_at = calm(4, kCalmMin, kCalmMax);
  session.count_calm_at = calm(kWriterCalm, kCalmMin, kWriterCalmMax);
  session.gap_calm_at = session.count_calm_at;
  if (session.advisories.listens()) {
    const int times = now - began > kNoticed ? kWriterCalmHearing : kWriterCalm;
    session.gap_calm_at = calm(times, kGapCalmMin, kWriterCalmMax);
  }
  hear(session, now);
  contact_.set_ready(true);
  log_info("bucket read", {{"bucket", settings_.bucket},
                           {"jobs", std::uint64_t{table_.jobs()}},
                           {"revision", table_.applied_revision()},
                           {"seconds", seconds(now - began)}});
}

}  // namespace bide
