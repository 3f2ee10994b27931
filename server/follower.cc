#include "server/follower.h"

#include <malloc.h>

#include "server/log.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// How long next() may block: the delay of stopping, and of seeing that the connection is lost.
constexpr auto kTick = 250ms;
// A bucket that was there is given time to be created again by whoever deleted it, with the
// configuration they want.
constexpr auto kMissingGrace = 5s;
// Entries that the stream tells of may be on their way.
constexpr auto kDeliveryGrace = 2s;

double seconds_since(TimePoint began) {
  return std::chrono::duration<double>(system_clock().now() - began).count();
}

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
  const auto found = find_bucket(connection);
  if (const auto* trouble = std::get_if<std::string>(&found)) return *trouble;
  const auto& bucket = std::get<BucketState>(found);

  auto opened =
      BucketFeed::open(connection, {settings_.bucket, settings_.heartbeat, bucket.keeps_history});
  if (const auto* trouble = std::get_if<std::string>(&opened)) return *trouble;
  const auto& feed = std::get<std::unique_ptr<BucketFeed>>(opened);

  Session session{connection, *feed, Ledger(bucket), reconnects};
  std::string trouble = read_all(session, bucket);
  if (trouble.empty() && !stop_.requested()) trouble = apply_live(session);
  return trouble;
}

std::variant<BucketState, std::string> Follower::find_bucket(NatsConnection& connection) {
  auto state = read_bucket_state(connection, settings_.bucket);
  if (const auto* found = std::get_if<BucketState>(&state)) {
    missing_since_.reset();
    return *found;
  }
  const BucketFailure failure = std::get<BucketFailure>(std::move(state));
  if (!failure.missing) return failure.text;
  const TimePoint now = system_clock().now();
  if (!missing_since_) missing_since_ = now;
  if (contact_.ready() && now < *missing_since_ + kMissingGrace) return "the bucket is gone";
  if (const auto refused = create_bucket(connection, settings_.bucket)) {
    return "the bucket is missing and cannot be created: " + refused->text;
  }
  log_info("bucket created", {{"bucket", settings_.bucket}});
  state = read_bucket_state(connection, settings_.bucket);
  if (const auto* created = std::get_if<BucketState>(&state)) return *created;
  return std::get<BucketFailure>(state).text;
}

std::string Follower::read_all(Session& session, const BucketState& bucket) {
  const TimePoint began = system_clock().now();
  metrics_.begin_stream(bucket.last_seq);
  BucketRead read(settings_.jobs_max);
  // The count of pending entries is the server's guess (some versions err); together with the last
  // sequence it is good enough to end the read at once. Where they do not agree, a heartbeat ends
  // it: it comes only when all is delivered.
  bool complete = bucket.entries == 0;
  while (!complete) {
    if (stop_.requested()) return {};
    switch (session.feed.next(kTick)) {
      case BucketFeed::Got::kEntry:
        intake_.admit(session.feed.entry(), [&](const Entry& e) { return read.absorb(e); });
        metrics_.deliver(session.feed.entry().revision, session.feed.pending());
        session.ledger.deliver(session.feed.entry().revision, session.feed.entry().written);
        complete = session.feed.pending() == 0 && session.feed.entry().revision >= bucket.last_seq;
        break;
      case BucketFeed::Got::kIdle:
        complete = true;
        break;
      case BucketFeed::Got::kNothing:
        break;
      case BucketFeed::Got::kBroken:
        return session.feed.trouble();
    }
  }
  read.reach(session.ledger.delivered());
  // What is not delivered by now is gone.
  metrics_.deliver(session.ledger.delivered(), 0);
  install(std::move(read), bucket, began);
  return {};
}

void Follower::install(BucketRead read, const BucketState& bucket, TimePoint began) {
  table_.install(std::move(read), bucket.epoch, bucket.max_age);
  // The messages of a large read leave the heap of nats.c's thread in pieces: up to a fifth of what
  // the table itself takes, and never needed again.
  ::malloc_trim(0);
  if (contact_.ready()) count(metrics_.resyncs);
  contact_.heard(system_clock().now());
  contact_.set_ready(true);
  log_info("bucket read", {{"bucket", settings_.bucket},
                           {"jobs", std::uint64_t{table_.jobs()}},
                           {"revision", table_.applied_revision()},
                           {"seconds", seconds_since(began)}});
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
        contact_.heard(now);
        break;
      case BucketFeed::Got::kIdle:
        session.ledger.pass(session.feed.passed());
        table_.reach(session.ledger.delivered());
        metrics_.catch_up(session.owed);
        contact_.heard(now);
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

std::string Follower::look_around(Session& session, TimePoint now) {
  contact_.set_connected(session.connection.connected());
  metrics_.entries_queued.store(session.feed.queued(), std::memory_order_relaxed);
  if (session.connection.reconnects() != session.reconnects) return "the connection was lost";
  if (session.ledger.delivered() >= session.owed) {
    session.owed_by = kEndOfTime;
  } else if (now >= session.owed_by) {
    return std::string(word_of(Ledger::Finding::kBehind));
  }
  if (contact_.take_doubt()) session.next_reconcile = now;
  if (now < session.next_reconcile || !session.connection.connected()) return {};
  session.next_reconcile = now + settings_.reconcile_interval;
  return reconcile(session, now);
}

// Blocks delivery for one request to the server: the price of a second thread with its own locks is
// higher, and a server that does not answer in a millisecond does not deliver in one either.
std::string Follower::reconcile(Session& session, TimePoint now) {
  const auto state = read_bucket_state(session.connection, settings_.bucket);
  // A server that does not answer is the heartbeat's affair; a bucket that is gone too.
  if (!std::holds_alternative<BucketState>(state)) return {};
  count(metrics_.reconciles);
  const auto& report = std::get<BucketState>(state);
  metrics_.know(report.last_seq);
  const Ledger::Finding finding = session.ledger.compare(report, system_clock().wall_now());
  switch (finding) {
    case Ledger::Finding::kAgrees:
      return {};
    case Ledger::Finding::kBehind:
      session.owed = report.last_seq;
      session.owed_by = now + kDeliveryGrace;
      return {};
    case Ledger::Finding::kRecreated:
    case Ledger::Finding::kRolledBack:
    case Ledger::Finding::kShrunk:
      return std::string(word_of(finding));
  }
  return {};
}

}  // namespace bide
