#include "server/api/stream_resource.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "core/base/json_text.h"
#include "core/job/patch.h"
#include "server/api/hold_time.h"

namespace bide {
namespace {

std::string summary_of(const Snapshot& job) {
  JsonText json;
  json.begin_object();
  json.member("status", word_of(job.status));
  json.key("final");
  json.boolean(job.final);
  json.end_object();
  return json.take();
}

// When the stream is due without news: for a heartbeat, or because its token expires.
TimePoint silence_end(TimePoint now, Exchange& exchange) {
  return std::min(after(now, exchange.stream()->heartbeat()), exchange.facts().token_expires);
}

// Where the stream keeps the tag of the job's state that it sent last. Null: it keeps none.
EntityTag* place_of(const Snapshot& job, const Exchange& exchange) {
  Stream::Wishes* const wishes = exchange.stream()->wishes.get();
  if (wishes == nullptr || wishes->sent.empty() || job.collection) return nullptr;
  return &wishes->sent[std::hash<std::string_view>()(job.job_id) % wishes->sent.size()];
}

}  // namespace

LogPath StreamResource::log_path(const Target& target) const {
  const auto* const job = std::get_if<JobId>(&target);
  return job != nullptr ? LogPath::of_job(*job, what_.path) : LogPath(what_.path);
}

void StreamResource::set_terms(TimePoint now, Exchange& exchange) const {
  Stream::Wishes* const wishes = exchange.stream()->wishes.get();
  TimePoint& deadline = exchange.terms.deadline;
  TimePoint& heartbeat = wishes != nullptr ? wishes->heartbeat_at : deadline;
  if (heartbeat <= now) heartbeat = silence_end(now, exchange);
  if (wishes == nullptr) return;
  const bool rests = now < wishes->next_at;
  deadline = rests ? std::min(heartbeat, wishes->next_at) : heartbeat;
  Condition& condition = exchange.terms.condition;
  if (what_.ends) {
    condition = rests ? condition.without_news() : Condition::news_until(condition);
  } else {
    condition = rests ? Condition::nothing() : Condition::change();
  }
}

void StreamResource::begin_rest(Exchange& exchange) const {
  if (exchange.stream() == nullptr || exchange.stream()->wishes == nullptr) return;
  Stream::Wishes& wishes = *exchange.stream()->wishes;
  wishes.next_at = context_.clock.now() + wishes.every;
}

bool StreamResource::more_news(Exchange& exchange) const {
  const Look look = context_.table.look(exchange.target(), exchange.terms, context_.clock.now());
  return look.verdict == Verdict::kHolds;
}

void StreamResource::go_on(Exchange& exchange) {
  while (!exchange.stuck() && !exchange.turn_over()) {
    // Neither news nor input from the client puts the heartbeat off.
    const TimePoint now = context_.clock.now();
    if (exchange.facts().token_expires <= now) return exchange.end_stream(Stream::End::kAuth);
    set_terms(now, exchange);
    Look look;
    const Parked parked = exchange.park(Stage::kCondition, look);
    if (was_handed_over(parked)) return;
    const bool news = look.verdict == (what_.ends ? Verdict::kNews : Verdict::kHolds);
    if (parked == Parked::kReady && !news) return conclude(look.snapshot, exchange);
    if (news) tell_news(look.snapshot, exchange);
    if (exchange.stream() == nullptr) return;
    if (parked == Parked::kFull) {
      count(context_.metrics.refused(RequestRefusal::kShed));
      return exchange.end_stream(Stream::End::kTrouble);
    }
    if (parked == Parked::kDraining) return exchange.end_stream(Stream::End::kDrain);
  }
}

void StreamResource::answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                            Exchange& exchange) {
  if (exchange.facts().token_expires <= context_.clock.now()) {
    return exchange.end_stream(Stream::End::kAuth);
  }
  switch (outcome) {
    case Outcome::kNow:
    case Outcome::kChanged:
      return tell_news(snapshot, exchange);
    case Outcome::kDone:
    case Outcome::kGone:
      return conclude(snapshot, exchange);
    case Outcome::kShed:
      return exchange.end_stream(Stream::End::kTrouble);
    case Outcome::kDrain:
      return exchange.end_stream(Stream::End::kDrain);
    case Outcome::kTimeout:
    case Outcome::kAuth:
      return tell_heartbeat(exchange);
  }
}

void StreamResource::tell_heartbeat(Exchange& exchange) {
  const Stream::Wishes* const wishes = exchange.stream()->wishes.get();
  const bool rested = wishes != nullptr && context_.clock.now() < wishes->heartbeat_at;
  if (rested) return;
  // While NATS is away, silence would look as if nothing had happened. After tokens were read
  // again, the client has to come again and show its token.
  if (context_.freshness.stale(context_.clock.now()) ||
      context_.admission.outdated(exchange.facts())) {
    return exchange.end_stream(Stream::End::kTrouble);
  }
  std::string heartbeat;
  const bool alive = exchange.stream()->append_heartbeat(heartbeat);
  if (!alive) return exchange.end_stream(Stream::End::kProtocol);
  exchange.write(heartbeat);
}

void StreamResource::receive(std::string_view bytes, Exchange& exchange) {
  std::string answer;
  const auto on_token = [&](std::string_view token) {
    const auto* const job = std::get_if<JobId>(&exchange.target());
    if (!context_.admission.renew(token, job, exchange.client_address().client(),
                                  exchange.facts())) {
      return false;
    }
    // The old deadline may have been the end of the old token, too soon for the answer to a ping.
    exchange.terms.deadline = silence_end(context_.clock.now(), exchange);
    if (exchange.stream()->wishes != nullptr) {
      exchange.stream()->wishes->heartbeat_at = exchange.terms.deadline;
    }
    return true;
  };
  const bool goes_on = exchange.stream()->receive(bytes, answer, on_token);
  if (!answer.empty()) exchange.write(answer);
  if (!goes_on) exchange.end_stream(Stream::End::kProtocol);
}

// A patch of the feed begins with a test that says which job it is for. The rest may be large, and
// is shared by all receivers unless it was joined for this one.
std::string_view StreamResource::patch_to(const Snapshot& job, const Exchange& exchange,
                                          std::string& start) const {
  const EntityTag* const sent = place_of(job, exchange);
  if (sent == nullptr || job.chain == nullptr) return {};
  std::string joined;
  std::string_view patch = job.chain->find(*sent, joined);
  if (patch.empty()) return {};
  if (!what_.ends) {
    start = R"([{"op":"test","path":"/id","value":")" + job.job_id + "\"},";
    patch.remove_prefix(1);
  }
  if (joined.empty()) return patch;
  start += patch;
  return {};
}

void StreamResource::tell(const std::shared_ptr<const Snapshot>& snapshot, bool last,
                          Exchange& exchange) {
  const EntityTag& tag = snapshot->json.tag;
  const bool as_written = exchange.stream()->takes_lines() || snapshot->json_line.empty();
  std::string start;
  std::string_view data = patch_to(*snapshot, exchange, start);
  const bool patched = !start.empty() || !data.empty();
  if (!patched) data = as_written ? snapshot->json.bytes : snapshot->json_line;
  std::string head;
  std::string tail;
  exchange.stream()->wrap({patched ? "patch" : what_.event, &tag, start.size() + data.size()}, head,
                          tail);
  head += start;
  if (EntityTag* const sent = place_of(*snapshot, exchange)) *sent = tag;
  count(context_.metrics.mine().stream_records);
  if (last) {
    tail += exchange.stream()->whole_record("end", summary_of(*snapshot));
    return exchange.end_stream(Stream::End::kOver, std::move(head), snapshot, data,
                               std::move(tail));
  }
  exchange.terms.seen = ValidatorList(tag);
  exchange.write(head, snapshot, data, tail);
}

void StreamResource::conclude(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange) {
  // It was resting: the last state comes first.
  const bool unseen = snapshot != nullptr && !exchange.terms.seen.matches(snapshot->json.tag);
  if (unseen) return tell(snapshot, true, exchange);
  const std::string id(std::get<JobId>(exchange.target()).text());
  exchange.end_stream(Stream::End::kOver,
                      snapshot != nullptr
                          ? exchange.stream()->whole_record("end", summary_of(*snapshot))
                          : exchange.stream()->whole_record("gone", "{\"id\":\"" + id + "\"}"));
}

}  // namespace bide
