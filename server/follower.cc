#include "server/follower.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// How long next() may block: the delay of stopping, and of seeing that the connection is lost.
constexpr auto kTick = 250ms;
// Entries that the stream tells of may be on their way.
constexpr auto kDeliveryGrace = 2s;
// Until a stream that did not answer is asked again.
constexpr auto kNoAnswerPause = 1s;

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
  // Asked for first: a reconnect from here on makes this read doubtful.
  const std::uint64_t reconnects = connection.reconnects();
  // Before the bucket is looked at: what is purged from here on is either missing in the look, or
  // told of.
  BucketAdvisories advisories(connection, settings_.bucket);
  const auto found = find_bucket(connection);
  if (const auto* trouble = std::get_if<std::string>(&found)) return *trouble;
  const auto& bucket = std::get<BucketState>(found);

  auto opened =
      BucketFeed::open(connection, {settings_.bucket, settings_.heartbeat, bucket.keeps_history});
  if (const auto* trouble = std::get_if<std::string>(&opened)) return *trouble;
  const auto& feed = std::get<std::unique_ptr<BucketFeed>>(opened);

  Session session{connection, advisories, *feed, Ledger(bucket), reconnects, bucket.has_quorum};
  std::string trouble = read_all(session, bucket);
  if (trouble.empty() && !stop_.requested()) trouble = apply_live(session);
  return trouble;
}

std::string Follower::apply_live(Session& session) {
  session.next_reconcile = system_clock().now() + settings_.reconcile_interval;
  while (!stop_.requested()) {
    const BucketFeed::Got got = session.feed.next(kTick);
    const TimePoint now = system_clock().now();
    switch (got) {
      case BucketFeed::Got::kEntry:
        intake_.admit(session.feed.entry(), [&](const Entry& e) { return table_.apply(e, now); });
        metrics_.deliver(session.feed.entry().revision, session.feed.pending());
        session.ledger.deliver(session.feed.entry().revision, session.feed.entry().written);
        table_.reach(session.ledger.delivered());
        hear(session, now);
        break;
      case BucketFeed::Got::kIdle:
        session.ledger.pass(session.feed.passed());
        table_.reach(session.ledger.delivered());
        metrics_.catch_up(session.owed);
        hear(session, now);
        break;
      case BucketFeed::Got::kNothing:
        break;
      case BucketFeed::Got::kBroken:
        return session.feed.trouble();
    }
    if (now < session.next_look) continue;
    session.next_look = now + kTick;
    if (std::string trouble = look_around(session, now); !trouble.empty()) return trouble;
  }
  return {};
}

void Follower::hear(const Session& session, TimePoint now) {
  if (session.vouched_for) contact_.heard(now);
}

std::string Follower::look_around(Session& session, TimePoint now) {
  contact_.set_connected(session.connection.connected());
  metrics_.entries_queued.store(session.feed.queued(), std::memory_order_relaxed);
  if (session.connection.reconnects() != session.reconnects) return "the connection was lost";
  if (is_overdue(session, now)) return std::string(word_of(Ledger::Finding::kBehind));
  hear_advisories(session, now);
  if (session.ledger.has_gap()) session.suspicion = "entries are gone that were not delivered";
  if (!session.suspicion.empty() && now >= session.calm_at) return std::string(session.suspicion);
  if (contact_.take_doubt()) session.next_reconcile = now;
  if (now < session.next_reconcile || !session.connection.connected()) return {};
  session.next_reconcile = now + settings_.reconcile_interval;
  return reconcile(session);
}

// A backlog takes the time it takes, as long as it gets shorter.
bool Follower::is_overdue(Session& session, TimePoint now) {
  const Revision delivered = session.ledger.delivered();
  if (delivered >= session.owed) {
    session.owed_by = kEndOfTime;
  } else if (session.owed_by == kEndOfTime || delivered > session.delivered_before) {
    session.owed_by = now + kDeliveryGrace;
  }
  session.delivered_before = delivered;
  return now >= session.owed_by;
}

void Follower::hear_advisories(Session& session, TimePoint now) {
  switch (session.advisories.take()) {
    case BucketAdvisories::Heard::kNothing:
      break;
    case BucketAdvisories::Heard::kTouched:
      session.next_reconcile = now;
      break;
    case BucketAdvisories::Heard::kPurged:
      session.suspicion = "entries of the stream were purged";
      break;
  }
}

// Blocks delivery for one request to the server: the price of a second thread with its own locks is
// higher, and a server that does not answer in a millisecond does not deliver in one either.
std::string Follower::reconcile(Session& session) {
  const auto state = read_bucket_state(session.connection, settings_.bucket);
  if (const auto* failure = std::get_if<BucketFailure>(&state)) {
    if (failure->missing) return "the bucket is gone";
    session.vouched_for = false;
    session.next_reconcile = system_clock().now() + kNoAnswerPause;
    return {};
  }
  count(metrics_.reconciles);
  const auto& report = std::get<BucketState>(state);
  metrics_.know(report.last_seq);
  session.vouched_for = report.has_quorum;
  const Ledger::Finding finding = session.ledger.compare(report, system_clock().wall_now());
  switch (finding) {
    case Ledger::Finding::kAgrees:
      return {};
    case Ledger::Finding::kBehind:
      session.owed = report.last_seq;
      return {};
    case Ledger::Finding::kRecreated:
    case Ledger::Finding::kConfigured:
    case Ledger::Finding::kRolledBack:
    case Ledger::Finding::kShrunk:
      return std::string(word_of(finding));
  }
  return {};
}

}  // namespace bide
