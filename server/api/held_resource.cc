#include "server/api/held_resource.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/api/state_head.h"
#include "server/http/problem.h"

namespace bide {
namespace {

// Smaller bodies are sent however much the client has left unread: they cost hardly more than the
// refusal.
constexpr std::size_t kLargeBodyBytes = 65'536;

bool meets_only_if(const Snapshot& state, MediaType type, Exchange& exchange) {
  const auto& only_if = exchange.only_if();
  return only_if == nullptr || state.known_as(*only_if, type) != nullptr;
}

}  // namespace

void HeldResource::serve(HoldQuery hold, const Condition& condition, MediaType type,
                         Exchange& exchange) {
  RequestFacts& facts = exchange.facts();
  context_.hold_time.grant(hold, facts);
  // Everything matches `*`, so there would be no state to wait for; nor is there news of no job.
  facts.waits_for_job = facts.held && !hold.fail_if_missing && !hold.seen.any() &&
                        condition.kind() != Condition::Kind::kChange;
  if (!freshness().ready()) {
    count(context_.metrics.refused(RequestRefusal::kNotReady));
    return refuse(not_fresh("the jobs are still being read from NATS; try again"), exchange);
  }
  if (facts.over_rate) {
    count(context_.metrics.refused(RequestRefusal::kRate));
    return refuse(
        passing_problem(429, "this client asks too often; ask less, or wait longer at a time"),
        exchange);
  }
  const CatchUp& position = freshness().catch_up();
  const bool behind = hold.no_cache || position.behind(hold.seen) ||
                      (hold.only_if && position.behind(*hold.only_if));
  if (hold.only_if) {
    exchange.only_if() = std::make_unique<const ValidatorList>(*std::move(hold.only_if));
  }
  Waiter::Terms& terms = exchange.terms;
  terms.condition = condition;
  terms.seen = std::move(hold.seen);
  terms.type = type;
  terms.places = places_of(exchange.target());
  if (behind) return catch_up(Stage::kFresh, false, exchange);
  judge(facts.received, exchange);
}

TimePoint HeldResource::deadline_of(RequestFacts& facts) const {
  return facts.held ? context_.hold_time.deadline(facts) : facts.received;
}

void HeldResource::catch_up(Stage stage, bool briefly, Exchange& exchange) {
  RequestFacts& facts = exchange.facts();
  const TimePoint patience = facts.received + kPatience;
  TimePoint deadline = facts.held ? context_.hold_time.deadline(facts) : patience;
  if (briefly) deadline = std::min(deadline, patience);
  if (!exchange.take_places(exchange.terms.places)) return refuse_place(exchange);
  wait_in(stage, deadline, exchange);
}

void HeldResource::refuse_behind(Outcome outcome, Exchange& exchange) {
  count(context_.metrics.mine().outcomes[static_cast<std::size_t>(outcome)]);
  count(context_.metrics.refused(RequestRefusal::kNotCaughtUp));
  refuse(not_fresh("what is known here may be old, and NATS did not tell in time; try again"),
         exchange);
}

void HeldResource::judge(TimePoint now, Exchange& exchange) {
  RequestFacts& facts = exchange.facts();
  Waiter::Terms& terms = exchange.terms;
  terms.deadline = deadline_of(facts);
  if (exchange.only_if() != nullptr) {
    const Look look = table().look(exchange.target(), terms, now);
    if (look.snapshot == nullptr || !meets_only_if(*look.snapshot, terms.type, exchange)) {
      return answer(Outcome::kNow, look.snapshot, now, exchange);
    }
    exchange.only_if().reset();
  }
  // A request waits for a job to exist only when the job's absence is certain, and not while NATS
  // is away, because then nobody could report the job.
  terms.waits_for_job = facts.waits_for_job && facts.caught_up && !freshness().stale(now);
  if (!facts.held) {
    const Look look = table().look(exchange.target(), terms, now);
    return answer(Outcome::kNow, look.snapshot, now, exchange);
  }
  if (!exchange.take_places(terms.places)) return answer_without_place(exchange);
  Look look;
  const Parked parked = exchange.park(Stage::kCondition, look);
  if (was_handed_over(parked)) return count(context_.metrics.mine().requests_parked);
  if (parked == Parked::kTooMany) {
    return refuse_client("this client waits for too many pages; wait for fewer of them", exchange);
  }
  const Outcome outcome = parked == Parked::kFull       ? Outcome::kShed
                          : parked == Parked::kDraining ? Outcome::kDrain
                                                        : Outcome::kNow;
  if (outcome == Outcome::kShed) count(context_.metrics.refused(RequestRefusal::kShed));
  if (outcome == Outcome::kDrain) count(context_.metrics.refused(RequestRefusal::kDraining));
  answer(outcome, look.snapshot, now, exchange);
}

void HeldResource::refuse_place(Exchange& exchange) {
  refuse_client("this client has too many requests held; wait for some, or for many jobs in one",
                exchange);
}

void HeldResource::refuse_client(std::string_view why, Exchange& exchange) {
  count(context_.metrics.refused(RequestRefusal::kClientParked));
  refuse(passing_problem(429, why), exchange);
}

bool HeldResource::refuse_unread(std::size_t body_bytes, Exchange& exchange) {
  if (body_bytes < kLargeBodyBytes || !exchange.unread_full(body_bytes)) return false;
  count(context_.metrics.refused(RequestRefusal::kClientUnread));
  refuse(passing_problem(429, "this client has too much left to read; read it first"), exchange);
  return true;
}

// A request that need not wait is answered without a place.
void HeldResource::answer_without_place(Exchange& exchange) {
  const TimePoint now = exchange.facts().received;
  const Look look = table().look(exchange.target(), exchange.terms, now);
  const bool ready = look.snapshot != nullptr && look.verdict != Verdict::kPending;
  if (ready) return answer(Outcome::kNow, look.snapshot, now, exchange);
  refuse_place(exchange);
}

void HeldResource::answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                          Exchange& exchange) {
  if (outcome == Outcome::kTimeout && exchange.facts().by_token) outcome = Outcome::kAuth;
  answer(outcome, snapshot, now(), exchange);
}

// The one place where state becomes a status, for requests that waited and those that did not.
void HeldResource::answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                          TimePoint now, Exchange& exchange) {
  const Waiter::Terms& terms = exchange.terms;
  const bool stale = freshness().stale(now);
  const bool sure = exchange.facts().caught_up || outcome == Outcome::kGone;
  if (snapshot == nullptr && !stale && !sure) {
    return catch_up(Stage::kExists, !exchange.facts().waits_for_job, exchange);
  }
  count(context_.metrics.mine().outcomes[static_cast<std::size_t>(outcome)]);
  if (snapshot == nullptr) {
    if (!stale || outcome == Outcome::kGone) return refuse_absent(outcome, now, exchange);
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return refuse(not_fresh("NATS is away and there is nothing of this id here; try again"),
                  exchange);
  }
  if (stale && !snapshot->final && !exchange.facts().max_stale) {
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return refuse(not_fresh("NATS is away, jobs may have moved; send Cache-Control: max-stale to "
                            "get what was last known"),
                  exchange);
  }
  if (exchange.facts().held) {
    if (auto failed = failure(exchange.target(), terms.condition, *snapshot)) {
      return send_failure(*std::move(failed), snapshot, exchange);
    }
  }
  if (!meets_only_if(*snapshot, terms.type, exchange)) {
    return refuse(problem(412, "If-Match does not list the tag of the current state"), exchange);
  }
  send_snapshot(outcome, snapshot, now, exchange);
}

void HeldResource::refuse_absent(Outcome outcome, TimePoint now, Exchange& exchange) {
  http::Response problem = absent(exchange.target(), outcome);
  const RequestFacts& facts = exchange.facts();
  if (facts.held && outcome != Outcome::kGone) {
    set_outcome(problem, outcome, facts, now - facts.received);
  }
  refuse(std::move(problem), exchange);
}

// The state is not copied into the problem, because it may be large and have many slow readers.
void HeldResource::send_failure(Failure failure, const std::shared_ptr<const Snapshot>& snapshot,
                                Exchange& exchange) {
  if (refuse_unread(snapshot->size_of(MediaType::kJson), exchange)) return;
  failure.problem.set_header("Vary", "Accept, Prefer");
  std::string& begin = failure.problem.body;
  begin.pop_back();  // The closing brace.
  begin.append(",\"").append(failure.member).append("\":");
  exchange.send_around(failure.problem, snapshot, snapshot->json.bytes, "}");
}

void HeldResource::send_snapshot(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                                 TimePoint now, Exchange& exchange) {
  const RequestFacts& facts = exchange.facts();
  const Waiter::Terms& terms = exchange.terms;
  const EntityTag* const known_as = snapshot->known_as(terms.seen, terms.type);
  const bool body = known_as == nullptr && !facts.head && !facts.minimal;
  if (body && refuse_unread(snapshot->size_of(terms.type), exchange)) return;
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - facts.received);
  thread_local std::string head;
  head.clear();
  std::string further;
  if (facts.writes()) {
    further.append("Location: ").append(location_of(exchange.target())).append("\r\n");
  }
  if (snapshot->next != 0 && known_as == nullptr) further += link_of(exchange.target(), *snapshot);
  append_state_head(head, *snapshot, terms.type, known_as, outcome, facts, waited, further);
  const int status = known_as != nullptr ? 304 : facts.created ? 201 : 200;
  exchange.send_laid_out(
      status, head, snapshot,
      body ? std::string_view(snapshot->as(terms.type).bytes) : std::string_view());
}

http::Response job_not_found(Outcome outcome) {
  return problem(404, kJobNotFound, "Job not found",
                 outcome == Outcome::kGone ? "the job was deleted or expired while you waited"
                                           : "there is no job of this id");
}

void HeldResource::refuse(http::Response problem, Exchange& exchange) {
  problem.set_header("Vary", "Accept, Prefer");
  exchange.send(problem);
}

}  // namespace bide
