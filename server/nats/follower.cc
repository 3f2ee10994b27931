#include "server/nats/follower.h"

#include <algorithm>
#include <utility>

#include "server/log/log.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// In a cluster a request is lost while a leader is elected, and never answered. So it is soon asked
// again, and the loss of a server is noticed sooner than the default says.
constexpr auto kClusterTimeout = 500ms;
constexpr int kClusterHeartbeats = 3;
// For making a consumer. The server that a cluster chose for it may just have been lost; another
// attempt gets another one. But to look through a large stream takes long.
constexpr auto kClusterPatience = 1000ms, kClusterResumePatience = 500ms;
constexpr int kClusterAttempts = 4, kClusterResumeAttempts = 16;

}  // namespace

Follower::Follower(Settings settings, JobTable& table, Contact& contact, Metrics& metrics,
                   StopSignal& stop)
    : settings_(std::move(settings)),
      table_(table),
      contact_(contact),
      metrics_(metrics),
      stop_(stop),
      intake_(metrics) {}

std::string Follower::follow(NatsConnection& connection) {
  // Read first: a reconnect from here on makes this read doubtful.
  const Link link = connection.link();
  // Before the state of the bucket is read: a purge from here on either shows in that state, or is
  // reported by an advisory.
  BucketAdvisories advisories(connection, settings_.bucket);
  const auto found = find_bucket(connection);
  if (const auto* trouble = std::get_if<std::string>(&found)) return *trouble;
  const auto& bucket = std::get<BucketState>(found);
  const std::chrono::milliseconds timeout =
      bucket.has_replicas ? kClusterTimeout : kBucketRequestTimeout;
  const auto looked =
      read_bucket_config(connection.handle(), connection.js_api(), settings_.bucket, timeout);
  if (const auto* failure = std::get_if<ConfigFailure>(&looked)) {
    if (failure->status == NATS_OK) return failure->text;
    return describe_request_error(connection, failure->status, "STREAM.INFO");
  }
  const auto& config = std::get<BucketConfig>(looked);
  tell(config);

  take_checkpoint();
  if (place_ && bucket.epoch != place_->bucket.epoch) {
    forget_place(StreamCheck::Reason::kRecreated);
  } else if (place_ && !bucket.keeps_as(place_->bucket)) {
    forget_place(StreamCheck::Reason::kConfigured);
  } else if (place_ && bucket.last_seq < place_->revision && !bucket.has_replicas) {
    forget_place(StreamCheck::Reason::kRolledBack);
  }
  choose_epoch(connection, bucket, config);
  const auto heartbeat = settings_.heartbeat / (bucket.has_replicas ? kClusterHeartbeats : 1);
  const TimePoint asked = system_clock().now();
  const std::chrono::milliseconds patience = this->patience(bucket);
  auto opened = BucketFeed::open(
      connection, {settings_.bucket, config.keys, heartbeat, bucket.keeps_history,
                   bucket.allows_rollup, place_ ? Resume::begin(*place_) : 0, patience});
  if (const auto* trouble = std::get_if<std::string>(&opened)) {
    // If it was refused at once, more time would not help.
    if (system_clock().now() - asked >= patience) ++failed_opens_;
    return *trouble;
  }
  failed_opens_ = 0;
  const auto& feed = std::get<std::unique_ptr<BucketFeed>>(opened);

  Session session{
      connection,
      advisories,
      *feed,
      StreamCheck(bucket, link, {heartbeat, settings_.reconcile_interval}, system_clock().now()),
      bucket.has_quorum,
      timeout};
  std::string trouble = place_ ? go_on(session, bucket) : read_all(session, bucket);
  if (trouble.empty() && !stop_.requested()) trouble = apply_live(session);
  return trouble;
}

// A mirror keeps the revisions of its origin. With its epoch, too, a tag means the same at both.
// The epoch never changes under a table: if the origin cannot be asked, it is that of the snapshot,
// or the mirror's own until the bucket is read anew.
void Follower::choose_epoch(const NatsConnection& connection, const BucketState& bucket,
                            const BucketConfig& config) {
  const bool keeps_table = place_ && !loaded_;
  if (bucket.epoch == own_epoch_ && (keeps_table || mirror())) return;
  own_epoch_ = epoch_ = bucket.epoch;
  std::optional<Mirror> found;
  if (bucket.upstream && !config.mirrors_a_part) {
    const auto asked = read_origin_state(connection, *bucket.upstream);
    const auto* const origin = std::get_if<BucketState>(&asked);
    std::string trouble;
    if (origin == nullptr) {
      trouble = std::get<BucketFailure>(asked).text;
      if (loaded_ && loaded_epoch_ != bucket.epoch) found = {*bucket.upstream, loaded_epoch_};
    } else if (origin->epoch > bucket.epoch || origin->last_seq < bucket.last_seq) {
      // Then the same revision may be another entry.
      trouble = "the origin was created again, or rolled back, after it was mirrored";
    } else {
      found = {*bucket.upstream, origin->epoch};
    }
    if (!trouble.empty()) {
      log_warn(
          found ? "the bucket's origin cannot be asked; entity tags are those of the snapshot"
                : "entity tags are the mirror's own, and not those of the bucket's origin",
          {{"bucket", settings_.bucket}, {"origin", bucket.upstream->stream}, {"reason", trouble}});
    }
  }
  if (found) epoch_ = found->epoch;
  if (loaded_ && loaded_epoch_ != epoch_) forget_place(StreamCheck::Reason::kRecreated);
  MutexLock lock(mutex_);
  mirror_ = found;
  read_only_.clear();
  if (!config.mirror_of.empty()) {
    read_only_ = "the bucket " + settings_.bucket +
                 " is a mirror; write to a server of its origin " + config.mirror_of;
  }
}

std::string Follower::read_only() const {
  MutexLock lock(mutex_);
  return read_only_;
}

std::optional<Follower::Mirror> Follower::mirror() const {
  MutexLock lock(mutex_);
  return mirror_;
}

std::chrono::milliseconds Follower::patience(const BucketState& bucket) const {
  auto first = BucketFeed::kPatienceMin;
  int attempts = 1;
  if (bucket.has_replicas) {
    first = place_ ? kClusterResumePatience : kClusterPatience;
    attempts = place_ ? kClusterResumeAttempts : kClusterAttempts;
  }
  const int doublings = std::min(failed_opens_ / attempts, 4);
  return std::min(first * (1 << doublings), BucketFeed::kPatienceMax);
}

// Memory is not needed for two tables, if the one of the checkpoint is of no use.
void Follower::forget_place(StreamCheck::Reason reason) {
  place_.reset();
  stalled_resumes_ = 0;
  read_for_ = resync_reason(reason);
  if (!loaded_ && !unshown_) return;
  log_warn("the snapshot of the table is not used; the bucket is read instead",
           {{"bucket", settings_.bucket}, {"reason", text_of(reason)}});
  loaded_.reset();
  if (std::exchange(unshown_, false)) table_.install(BucketRead(settings_.jobs_max), 0, {});
  settings_.checkpoints->refuse_loaded();
}

std::string Follower::apply_live(Session& session) {
  using Reason = StreamCheck::Reason;
  Reason reason = Reason::kNone;
  while (reason == Reason::kNone && !stop_.requested()) reason = next_live(session);
  calm_ = session.check.calm();
  const bool stopped = reason == Reason::kNone;
  place_ = stopped || is_loss(reason) ? session.check.place() : std::nullopt;
  // A compare() may have come between the delivery of an entry and apply().
  if (place_ && place_->revision > table_.position().revision()) place_.reset();
  if (!place_) read_for_ = resync_reason(reason);
  return reason == Reason::kBroken ? session.feed.trouble() : text_of(reason);
}

StreamCheck::Reason Follower::next_live(Session& session) {
  using Reason = StreamCheck::Reason;
  StreamCheck& check = session.check;
  const BucketFeed::Got got = session.feed.next(kTick);
  const TimePoint now = system_clock().now();
  // The server keeps a consumer for some seconds and goes on with it when nats.c has reconnected.
  // But nothing tells what was purged meanwhile.
  if (session.connection.link() != check.link()) return Reason::kConnectionLost;
  if (const Reason reason = receive(session, got); reason != Reason::kNone) return reason;
  // Before anything is applied that was written after a purge.
  take_advisories(session);
  if (check.suspicion() != Reason::kNone) {
    stop_.wait_for(std::chrono::ceil<std::chrono::milliseconds>(check.calm_at() - now));
    return check.suspicion();
  }
  if (got == BucketFeed::Got::kEntry && check.begin_compare_before(session.feed.delivery(), now)) {
    if (const Reason reason = compare(session); reason != Reason::kNone) return reason;
  }
  if (got != BucketFeed::Got::kNothing) apply(session, got, now);
  return check.begin_look(now) ? look_around(session, now) : Reason::kNone;
}

StreamCheck::Reason Follower::receive(Session& session, BucketFeed::Got got) {
  switch (got) {
    case BucketFeed::Got::kEntry:
      return session.check.deliver(session.feed.delivery());
    case BucketFeed::Got::kHeartbeat:
      return session.check.deliver(session.feed.heartbeat());
    case BucketFeed::Got::kNothing:
      return session.check.wait(session.feed.last_heard(), system_clock().now());
    case BucketFeed::Got::kBroken:
      break;
  }
  return StreamCheck::Reason::kBroken;
}

// Applies an entry, or a heartbeat: there is no entry up to where the server has looked.
void Follower::apply(Session& session, BucketFeed::Got got, TimePoint now) {
  if (got == BucketFeed::Got::kEntry) {
    const RawEntry& entry = session.feed.entry();
    const bool overwrote =
        intake_.admit(entry, [&](const Entry& e) { return table_.apply(e, now); });
    if (overwrote) session.check.overwrote();
    metrics_.deliver(entry.revision, session.feed.pending());
  } else {
    metrics_.correct_known(session.check.owed());
  }
  table_.reach(session.check.delivered());
  hear(session, now);
}

void Follower::hear(const Session& session, TimePoint now) {
  if (session.vouched_for) contact_.heard(now);
}

StreamCheck::Reason Follower::look_around(Session& session, TimePoint now) {
  using Reason = StreamCheck::Reason;
  StreamCheck& check = session.check;
  contact_.set_connected(session.connection.connected());
  metrics_.entries_queued.store(session.feed.queued(), std::memory_order_relaxed);
  const Reason reason = check.look(session.connection.link(), table_.position().revision(), now);
  remove_what_left(session);
  if (reason != Reason::kNone) return reason;
  if (settings_.checkpoints != nullptr) save(check.place(), false);
  if (contact_.take_doubt()) check.doubt();
  if (!session.connection.connected() || !check.begin_compare(now)) return Reason::kNone;
  return compare(session);
}

void Follower::take_advisories(Session& session) {
  switch (session.advisories.take()) {
    case BucketAdvisories::Heard::kNothing:
      break;
    case BucketAdvisories::Heard::kTouched:
      session.check.doubt();
      break;
    case BucketAdvisories::Heard::kPurged:
      session.check.purged();
      break;
  }
}

// Blocks delivery for one request to the server. A second thread with its own locks would cost
// more, and a server that does not answer in a millisecond does not deliver in one either.
StreamCheck::Reason Follower::compare(Session& session) {
  StreamCheck& check = session.check;
  const auto state =
      read_bucket_state(session.connection, settings_.bucket, session.request_timeout);
  const TimePoint now = system_clock().now();
  if (const auto* failure = std::get_if<BucketFailure>(&state)) {
    session.vouched_for = false;
    return check.no_answer(failure->missing, now);
  }
  const auto& report = std::get<BucketState>(state);
  const StreamCheck::Reason reason =
      check.compare(report, session.connection.link(), table_.position().revision(),
                    system_clock().wall_now(), now);
  if (reason == StreamCheck::Reason::kConnectionLost) return reason;
  count(metrics_.reconciles);
  metrics_.know(report.last_seq);
  session.vouched_for = report.has_quorum;
  remove_what_left(session);
  return reason;
}

void Follower::remove_what_left(Session& session) {
  if (const Revision begin = session.check.take_begin(); begin != 0) table_.let_go(begin);
}

}  // namespace bide
