#include "server/nats/follower.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

using namespace std::chrono_literals;

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
  const Link link = connection.link();
  // Before the bucket is looked at: what is purged from here on is either missing in the look, or
  // told of.
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
    // Refused at once it would be no better with more.
    const bool waited = system_clock().now() - asked >= patience_;
    if (waited) patience_ = std::min(2 * patience_, BucketFeed::kPatienceMax);
    return *trouble;
  }
  patience_ = BucketFeed::kPatienceMin;
  const auto& feed = std::get<std::unique_ptr<BucketFeed>>(opened);

  Session session{connection, advisories, *feed, Ledger(bucket), link, bucket.has_quorum};
  session.next_reconcile = system_clock().now() + settings_.reconcile_interval;
  std::string trouble = read_all(session, bucket);
  if (trouble.empty() && !stop_.requested()) trouble = apply_live(session);
  return trouble;
}

std::string Follower::apply_live(Session& session) {
  while (!stop_.requested()) {
    const BucketFeed::Got got = session.feed.next(kTick);
    const TimePoint now = system_clock().now();
    if (got == BucketFeed::Got::kBroken) return session.feed.trouble();
    if (got == BucketFeed::Got::kEntry) {
      deliver(session);
    } else if (got == BucketFeed::Got::kIdle) {
      session.ledger.pass(session.feed.passed());
    }
    // Before what comes behind a purge is applied.
    look_for_suspicion(session);
    if (!session.suspicion.empty()) {
      stop_.wait_for(std::chrono::ceil<std::chrono::milliseconds>(session.calm_at - now));
      return std::string(session.suspicion);
    }
    if (got == BucketFeed::Got::kEntry && session.feed.rolled_up() == BucketFeed::Rollup::kAll) {
      if (std::string trouble = check_rollup(session, now); !trouble.empty()) return trouble;
    }
    if (got != BucketFeed::Got::kNothing) apply(session, got, now);
    if (now < session.next_look) continue;
    session.next_look = now + kTick;
    if (std::string trouble = look_around(session, now); !trouble.empty()) return trouble;
  }
  return {};
}

void Follower::deliver(Session& session) {
  const RawEntry& entry = session.feed.entry();
  switch (session.feed.rolled_up()) {
    case BucketFeed::Rollup::kNone:
      break;
    case BucketFeed::Rollup::kKey:
      session.ledger.forget_count_if_history();
      break;
    case BucketFeed::Rollup::kAll:
      session.ledger.forget_count();
      session.rolled_up = entry.revision;
      break;
  }
  session.ledger.deliver(entry.revision, entry.written);
}

// An entry, or that there is none up to where the stream has been looked through.
void Follower::apply(Session& session, BucketFeed::Got got, TimePoint now) {
  if (got == BucketFeed::Got::kEntry) {
    const RawEntry& entry = session.feed.entry();
    intake_.admit(entry, [&](const Entry& e) { return table_.apply(e, now); });
    metrics_.deliver(entry.revision, session.feed.pending());
  } else {
    metrics_.catch_up(session.owed);
  }
  table_.reach(session.ledger.delivered());
  hear(session, now);
}

void Follower::hear(const Session& session, TimePoint now) {
  if (session.vouched_for) contact_.heard(now);
}

std::string Follower::look_around(Session& session, TimePoint now) {
  contact_.set_connected(session.connection.connected());
  metrics_.entries_queued.store(session.feed.queued(), std::memory_order_relaxed);
  if (session.connection.link() != session.link) return std::string(kConnectionLost);
  if (is_overdue(session, now)) return std::string(word_of(Ledger::Finding::kBehind));
  let_go_if_due(session);
  const bool shrunk = session.shrunk || session.ledger.has_shrunk();
  if (shrunk && now >= session.count_calm_at) {
    return std::string(word_of(Ledger::Finding::kShrunk));
  }
  // Most of these were overwritten, and what replaced them comes: that can be applied meanwhile.
  if (session.ledger.has_gap() && now >= session.gap_calm_at) return "entries are gone undelivered";
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

void Follower::look_for_suspicion(Session& session) {
  switch (session.advisories.take()) {
    case BucketAdvisories::Heard::kNothing:
      break;
    case BucketAdvisories::Heard::kTouched:
      session.next_reconcile = {};
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
  // It may be of another stream.
  if (session.connection.link() != session.link) return std::string(kConnectionLost);
  count(metrics_.reconciles);
  const auto& report = std::get<BucketState>(state);
  metrics_.know(report.last_seq);
  session.vouched_for = report.has_quorum;
  const Ledger::Finding finding = session.ledger.compare(report, system_clock().wall_now());
  switch (finding) {
    case Ledger::Finding::kAgrees:
      break;
    case Ledger::Finding::kBehind:
      session.owed = report.last_seq;
      break;
    case Ledger::Finding::kShrunk:
      session.shrunk = true;
      if (system_clock().now() >= session.count_calm_at) return std::string(word_of(finding));
      break;
    case Ledger::Finding::kRecreated:
    case Ledger::Finding::kConfigured:
    case Ledger::Finding::kRolledBack:
      return std::string(word_of(finding));
  }
  let_go(session, report);
  return {};
}

// The header is only a hint: what has left is what the stream says. It is asked before the entry is
// applied on top of what it may have swept away; but not for each of many.
std::string Follower::check_rollup(Session& session, TimePoint now) {
  if (now < session.rollup_calm_at) {
    session.next_reconcile = {};
    session.next_look = std::min(session.next_look, session.rollup_calm_at);
    return {};
  }
  session.rollup_calm_at = now + kRollupPace;
  session.next_reconcile = now + settings_.reconcile_interval;
  return reconcile(session);
}

void Follower::let_go(Session& session, const BucketState& report) {
  const Revision rolled_up = std::exchange(session.rolled_up, 0);
  if (rolled_up != 0 && report.first_seq >= rolled_up) {
    // Nothing that it took was replaced: it goes at once.
    table_.let_go(rolled_up);
    session.ledger.let_go(rolled_up);
  }
  if (!session.leaving && (rolled_up != 0 || report.lets_go())) {
    session.leaving = {report.first_seq, report.last_seq};
  }
  let_go_if_due(session);
}

void Follower::let_go_if_due(Session& session) {
  if (!session.leaving || table_.position().revision() < session.leaving->once_applied) return;
  table_.let_go(session.leaving->first);
  session.ledger.let_go(session.leaving->first);
  session.leaving.reset();
}

}  // namespace bide
