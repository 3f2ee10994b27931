// How a follower goes on where the last consumer ended (server/nats/follower.h), without reading
// the bucket again.
#include <utility>

#include "server/log/log.h"
#include "server/nats/follower.h"
#include "server/nats/place_bytes.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// If more was written meanwhile, to read the bucket takes hardly longer, and no more memory.
constexpr std::size_t kTailBytesMax = 32 << 20;
// The same where the tail need not be kept in memory.
constexpr std::uint64_t kUnshownTailMax = 1'000'000;
// Between two requests for the stream's state, if the first one did not settle it.
constexpr auto kReportPause = 20ms;
// How long the proof may take if nothing is delivered any more, or all that there was. In a cluster
// the server that delivers may still be catching up; another attempt may get another one.
constexpr auto kPatience = 2s;
constexpr int kStalledMax = 4;

}  // namespace

std::string Follower::go_on(Session& session, const BucketState& bucket) {
  using Reason = StreamCheck::Reason;
  const TimePoint began = system_clock().now();
  metrics_.know(bucket.last_seq);
  if (loaded_) {
    unshown_ = true;
    table_.install(std::move(*loaded_), epoch_, place_->bucket.max_age);
    loaded_.reset();
  }
  Resume resume(*place_, bucket);
  std::vector<Kept> tail;
  const Reason reason = prove(session, resume, tail);
  // If the consumer is lost, too, yet another one may go on; but not if the table has a part of the
  // tail.
  const bool again = is_loss(reason) || (reason == Reason::kReadStalled && bucket.has_replicas &&
                                         ++stalled_resumes_ < kStalledMax);
  if (reason != Reason::kNone && (unshown_ || !again)) forget_place(reason);
  if (reason == Reason::kBroken) return session.feed.trouble();
  if (reason != Reason::kNone) return text_of(reason);
  if (!resume.proven()) return {};

  apply_tail(tail);
  session.check.resumed(resume.report(), resume.counted(), calm_);
  table_.reach(session.check.delivered());
  table_.resumed(session.check.link());
  metrics_.deliver(session.check.delivered(), session.feed.pending());
  session.vouched_for = resume.report().has_quorum;
  const TimePoint now = system_clock().now();
  hear(session, now);
  stalled_resumes_ = 0;
  if (std::exchange(unshown_, false)) {
    contact_.set_ready(true);
    count(metrics_.warm_starts);
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(now - started_);
    metrics_.warm_start_ms.store(static_cast<std::uint64_t>(took.count()),
                                 std::memory_order_relaxed);
  } else {
    count(metrics_.resumes);
  }
  log_info("bucket followed on", {{"bucket", settings_.bucket},
                                  {"jobs", std::uint64_t{table_.jobs()}},
                                  {"entries", resume.tail()},
                                  {"revision", session.check.delivered()},
                                  {"seconds", std::chrono::duration<double>(now - began).count()}});
  return {};
}

// Once, before the first read.
void Follower::take_checkpoint() {
  if (settings_.checkpoints == nullptr || std::exchange(looked_for_checkpoint_, true)) return;
  auto taken = settings_.checkpoints->take_loaded();
  if (!taken) return;
  auto place = place_of(taken->place);
  // Of a mirror the position has the epoch of the origin.
  const bool other_epoch =
      place && !place->bucket.has_origins && place->bucket.epoch != taken->position.epoch;
  if (!place || place->revision != taken->position.revision || other_epoch) {
    log_warn("the snapshot of the table is not used; the bucket is read instead",
             {{"bucket", settings_.bucket}, {"reason", "its place in the stream is damaged"}});
    settings_.checkpoints->refuse_loaded();
    return;
  }
  place_ = std::move(place);
  loaded_epoch_ = taken->position.epoch;
  loaded_.emplace(std::move(taken->content));
}

// Of a bucket whose entries expire or are dropped nobody could say later whether others were purged
// while bide was away.
void Follower::save(const std::optional<Place>& place, bool ending) {
  Checkpoints* const checkpoints = settings_.checkpoints;
  if (checkpoints == nullptr || !place || !place->keys || place->bucket.lets_go()) return;
  if (unshown_ || place->revision != table_.position().revision()) return;
  if (checkpoints->due(*place->keys, system_clock().now(), ending)) {
    checkpoints->begin(bytes_of(*place));
  }
}

void Follower::save_at_end() {
  if (contact_.ready()) save(place_, true);
}

Follower::Kept Follower::kept_of(const RawEntry& entry, TimePoint came, std::uint64_t pending) {
  std::string bytes;
  bytes.reserve(entry.key.size() + entry.value.size());
  bytes.append(entry.key).append(entry.value);
  return {std::move(bytes), entry.key.size(), entry.deleted, entry.revision,
          entry.written,    pending,          came};
}

StreamCheck::Reason Follower::prove(Session& session, Resume& resume, std::vector<Kept>& tail) {
  using Reason = StreamCheck::Reason;
  TimePoint next_report{};
  TimePoint idle_since = system_clock().now();
  std::size_t bytes = 0;
  while (!resume.proven() && !stop_.requested()) {
    const BucketFeed::Got got = session.feed.next(resume.wants_report() ? kReportPause : kTick);
    const TimePoint now = system_clock().now();
    Reason reason = receive(session, got);
    if (reason != Reason::kNone) return reason;
    take_advisories(session);
    if (session.check.suspicion() != Reason::kNone) return session.check.suspicion();
    if (got == BucketFeed::Got::kEntry) {
      const RawEntry& entry = session.feed.entry();
      const StreamCheck::Delivery& delivery = session.feed.delivery();
      bool held = false;
      if (resume.is_new(delivery)) {
        const std::optional<Entry> key = Intake::key_of(entry);
        held = key && table_.holds(*key);
        if (!unshown_) {
          bytes += sizeof(Kept) + entry.key.size() + entry.value.size();
          if (bytes > kTailBytesMax) return Reason::kTooMuch;
          tail.push_back(kept_of(entry, now, session.feed.pending()));
        } else if (resume.tail() >= kUnshownTailMax) {
          return Reason::kTooMuch;
        }
      }
      if (!resume.has_come_to_the_end()) idle_since = now;
      reason = resume.deliver(delivery, held);
      // Nobody sees it yet, so it need not be kept until all is proven.
      if (unshown_ && resume.is_new(delivery)) apply(entry, now, session.feed.pending());
    } else if (got == BucketFeed::Got::kHeartbeat) {
      reason = resume.pass(session.feed.heartbeat().looked_through);
    }
    if (reason == Reason::kNone && resume.wants_report() && now >= next_report) {
      next_report = now + kReportPause;
      const auto state =
          read_bucket_state(session.connection, settings_.bucket, session.request_timeout);
      if (session.connection.link() != session.check.link()) return Reason::kConnectionLost;
      if (const auto* report = std::get_if<BucketState>(&state)) reason = resume.judge(*report);
    }
    if (reason != Reason::kNone) return reason;
    if (now - idle_since > kPatience) return Reason::kReadStalled;
  }
  return session.connection.link() == session.check.link() ? Reason::kNone
                                                           : Reason::kConnectionLost;
}

void Follower::apply(const RawEntry& entry, TimePoint came, std::uint64_t pending) {
  (void)intake_.admit(entry, [&](const Entry& e) { return table_.apply(e, came); });
  metrics_.deliver(entry.revision, pending);
  table_.reach(entry.revision);
}

void Follower::apply_tail(const std::vector<Kept>& tail) {
  for (const Kept& kept : tail) {
    const std::string_view bytes = kept.bytes;
    apply({bytes.substr(0, kept.key_bytes), bytes.substr(kept.key_bytes), kept.deleted,
           kept.revision, kept.written},
          kept.came, kept.pending);
  }
}

}  // namespace bide
