#include "server/nats/follower.h"

#include <algorithm>
#include <utility>

namespace bide {

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
  const auto looked =
      read_bucket_config(connection.handle(), settings_.bucket, kBucketRequestTimeout);
  if (const auto* failure = std::get_if<ConfigFailure>(&looked)) {
    if (failure->status == NATS_OK) return failure->text;
    return describe_request_error(connection, failure->status, "STREAM.INFO");
  }
  const auto& config = std::get<BucketConfig>(looked);
  tell(config);

  const TimePoint asked = system_clock().now();
  auto opened =
      BucketFeed::open(connection, {settings_.bucket, config.keys, settings_.heartbeat,
                                    bucket.keeps_history, bucket.allows_rollup, patience_});
  if (const auto* trouble = std::get_if<std::string>(&opened)) {
    // If it was refused at once, more time would not help.
    const bool waited = system_clock().now() - asked >= patience_;
    if (waited) patience_ = std::min(2 * patience_, BucketFeed::kPatienceMax);
    return *trouble;
  }
  patience_ = BucketFeed::kPatienceMin;
  const auto& feed = std::get<std::unique_ptr<BucketFeed>>(opened);

  Session session{connection, advisories, *feed,
                  StreamCheck(bucket, link, {settings_.heartbeat, settings_.reconcile_interval},
                              system_clock().now()),
                  bucket.has_quorum};
  std::string trouble = read_all(session, bucket);
  if (trouble.empty() && !stop_.requested()) trouble = apply_live(session);
  return trouble;
}

std::string Follower::apply_live(Session& session) {
  StreamCheck& check = session.check;
  while (!stop_.requested()) {
    const BucketFeed::Got got = session.feed.next(kTick);
    const TimePoint now = system_clock().now();
    if (got == BucketFeed::Got::kBroken) return session.feed.trouble();
    if (std::string trouble = text_of(receive(session, got)); !trouble.empty()) return trouble;
    // Before anything is applied that was written after a purge.
    take_advisories(session);
    if (check.suspicion() != StreamCheck::Reason::kNone) {
      stop_.wait_for(std::chrono::ceil<std::chrono::milliseconds>(check.calm_at() - now));
      return text_of(check.suspicion());
    }
    if (got == BucketFeed::Got::kEntry &&
        check.begin_compare_before(session.feed.delivery(), now)) {
      if (std::string trouble = compare(session); !trouble.empty()) return trouble;
    }
    if (got != BucketFeed::Got::kNothing) apply(session, got, now);
    if (!check.begin_look(now)) continue;
    if (std::string trouble = look_around(session, now); !trouble.empty()) return trouble;
  }
  return {};
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
  return StreamCheck::Reason::kNone;
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

std::string Follower::look_around(Session& session, TimePoint now) {
  StreamCheck& check = session.check;
  contact_.set_connected(session.connection.connected());
  metrics_.entries_queued.store(session.feed.queued(), std::memory_order_relaxed);
  std::string trouble =
      text_of(check.look(session.connection.link(), table_.position().revision(), now));
  remove_what_left(session);
  if (!trouble.empty()) return trouble;
  if (contact_.take_doubt()) check.doubt();
  if (!session.connection.connected() || !check.begin_compare(now)) return {};
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
std::string Follower::compare(Session& session) {
  StreamCheck& check = session.check;
  const auto state = read_bucket_state(session.connection, settings_.bucket);
  const TimePoint now = system_clock().now();
  if (const auto* failure = std::get_if<BucketFailure>(&state)) {
    session.vouched_for = false;
    return text_of(check.no_answer(failure->missing, now));
  }
  const auto& report = std::get<BucketState>(state);
  const StreamCheck::Reason reason =
      check.compare(report, session.connection.link(), table_.position().revision(),
                    system_clock().wall_now(), now);
  if (reason == StreamCheck::Reason::kConnectionLost) return text_of(reason);
  count(metrics_.reconciles);
  metrics_.know(report.last_seq);
  session.vouched_for = report.has_quorum;
  remove_what_left(session);
  return text_of(reason);
}

void Follower::remove_what_left(Session& session) {
  if (const Revision begin = session.check.take_begin(); begin != 0) table_.let_go(begin);
}

}  // namespace bide
