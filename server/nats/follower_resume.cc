// How a follower goes on where the last consumer ended (server/nats/follower.h), without reading
// the bucket again.
#include <utility>

#include "server/log/log.h"
#include "server/nats/follower.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// If more was written meanwhile, to read the bucket takes hardly longer, and no more memory.
constexpr std::size_t kTailBytesMax = 32 << 20;
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
  Resume resume(*place_, bucket);
  std::vector<Kept> tail;
  const Reason reason = prove(session, resume, tail);
  // If the consumer is lost, too, yet another one may go on.
  const bool again = is_loss(reason) || (reason == Reason::kReadStalled && bucket.has_replicas &&
                                         ++stalled_resumes_ < kStalledMax);
  if (reason != Reason::kNone && !again) forget_place(reason);
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
  count(metrics_.resumes);
  stalled_resumes_ = 0;
  log_info("bucket followed on", {{"bucket", settings_.bucket},
                                  {"entries", std::uint64_t{tail.size()}},
                                  {"revision", session.check.delivered()},
                                  {"seconds", std::chrono::duration<double>(now - began).count()}});
  return {};
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
        Kept kept{{},
                  entry.key.size(),
                  entry.deleted,
                  entry.revision,
                  entry.written,
                  session.feed.pending(),
                  now};
        kept.bytes.reserve(entry.key.size() + entry.value.size());
        kept.bytes.append(entry.key).append(entry.value);
        bytes += sizeof(Kept) + kept.bytes.size();
        tail.push_back(std::move(kept));
        if (bytes > kTailBytesMax) return Reason::kTooMuch;
      }
      if (!resume.has_come_to_the_end()) idle_since = now;
      reason = resume.deliver(delivery, held);
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

void Follower::apply_tail(const std::vector<Kept>& tail) {
  for (const Kept& kept : tail) {
    const std::string_view bytes = kept.bytes;
    const RawEntry entry{bytes.substr(0, kept.key_bytes), bytes.substr(kept.key_bytes),
                         kept.deleted, kept.revision, kept.written};
    (void)intake_.admit(entry, [&](const Entry& e) { return table_.apply(e, kept.came); });
    metrics_.deliver(kept.revision, kept.pending);
    table_.reach(kept.revision);
  }
}

}  // namespace bide
