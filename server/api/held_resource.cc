#include "server/api/held_resource.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/api/state_head.h"
#include "server/http/problem.h"

namespace bide {
namespace {

// Below this a body is sent whatever else the client has not read: it costs hardly more than the
// refusal would.
constexpr std::size_t kLargeBodyBytes = 65'536;

bool meets_only_if(const Snapshot& state, MediaType type, Exchange& exchange) {
  const auto& only_if = exchange.only_if();
  return only_if == nullptr || state.known_as(*only_if, type) != nullptr;
}

}  // namespace

void HeldResource::serve(std::string_view key, HoldQuery hold, const Condition& condition,
                         MediaType type, Exchange& exchange) {
  RequestFacts& facts = exchange.facts();
  context_.hold_time.grant(hold, facts);
  if (!context_.freshness.ready()) {
    count(context_.metrics.refused(RequestRefusal::kNotReady));
    return refuse(key, not_fresh("the jobs are still being read from NATS; try again"), exchange);
  }
  if (facts.over_rate) {
    count(context_.metrics.refused(RequestRefusal::kRate));
    return refuse(
        key, passing_problem(429, "this client asks too often; ask less, or wait longer at a time"),
        exchange);
  }
  const CatchUp& position = context_.freshness.catch_up();
  const bool behind = hold.no_cache || position.behind(hold.seen) ||
                      (hold.only_if && position.behind(*hold.only_if));
  if (hold.only_if) {
    exchange.only_if() = std::make_unique<const ValidatorList>(*std::move(hold.only_if));
  }
  Waiter::Terms terms{condition, std::move(hold.seen), type, deadline_of(facts), places_of(key)};
  if (behind) return catch_up(key, std::move(terms), false, exchange);
  answer_or_park(key, std::move(terms), facts.received, exchange);
}

TimePoint HeldResource::deadline_of(RequestFacts& facts) const {
  return facts.held ? context_.hold_time.deadline(facts) : facts.received;
}

void HeldResource::catch_up(std::string_view key, Waiter::Terms terms, bool briefly,
                            Exchange& exchange) {
  const RequestFacts& facts = exchange.facts();
  const TimePoint patience = facts.received + CatchingUp::kPatience;
  if (!facts.held) terms.deadline = patience;
  if (briefly) terms.deadline = std::min(terms.deadline, patience);
  if (!exchange.take_places(terms.places)) return refuse_place(key, exchange);
  const std::string own_key(key);  // `key` may be the connection's, which may be gone meanwhile.
  const auto not_held = catching_up_.hold(own_key, std::move(terms), exchange);
  if (not_held) refuse_behind(own_key, *not_held, exchange);
}

void HeldResource::resume(Outcome outcome, Exchange& exchange) {
  const std::string key = exchange.key();
  if (outcome != Outcome::kChanged) return refuse_behind(key, outcome, exchange);
  Waiter::Terms terms = std::move(exchange.terms());
  terms.deadline = deadline_of(exchange.facts());
  answer_or_park(key, std::move(terms), context_.clock.now(), exchange);
}

void HeldResource::refuse_behind(std::string_view key, Outcome outcome, Exchange& exchange) {
  count(context_.metrics.mine().outcomes[static_cast<std::size_t>(outcome)]);
  count(context_.metrics.refused(RequestRefusal::kNotCaughtUp));
  refuse(key, not_fresh("what is known here may be old, and NATS did not tell in time; try again"),
         exchange);
}

void HeldResource::answer_or_park(std::string_view key, Waiter::Terms terms, TimePoint now,
                                  Exchange& exchange) {
  if (exchange.only_if() != nullptr) {
    const Lot::Look look = lot_.look(key, terms, now);
    if (look.snapshot == nullptr || !meets_only_if(*look.snapshot, terms.type, exchange)) {
      return answer(key, terms, Outcome::kNow, look.snapshot, now, exchange);
    }
    exchange.only_if().reset();
  }
  const RequestFacts& facts = exchange.facts();
  // Before it waits for a job that is not known here it must be sure that there is none; and to
  // wait for one makes no sense while nobody could tell of it.
  const bool doubtful = terms.condition.kind() == Condition::Kind::kExists &&
                        (!facts.caught_up || context_.freshness.stale(now));
  if (!facts.held || doubtful) {
    const Lot::Look look = lot_.look(key, terms, now);
    if (look.snapshot == nullptr || !facts.held) {
      return answer(key, terms, Outcome::kNow, look.snapshot, now, exchange);
    }
  }
  Lot::Parked parked{};
  Lot::Look look;
  if (!exchange.take_places(terms.places)) return answer_without_place(key, terms, exchange);
  if (exchange.park(*this, key, std::move(terms), parked, look) == Exchange::Park::kParked) {
    count(context_.metrics.mine().requests_parked);
    return;
  }
  if (parked == Lot::Parked::kTooMany) {
    return refuse_client(key, "this client waits for too many pages; wait for fewer of them",
                         exchange);
  }
  const Outcome outcome = parked == Lot::Parked::kFull       ? Outcome::kShed
                          : parked == Lot::Parked::kDraining ? Outcome::kDrain
                                                             : Outcome::kNow;
  if (outcome == Outcome::kShed) count(context_.metrics.refused(RequestRefusal::kShed));
  if (outcome == Outcome::kDrain) count(context_.metrics.refused(RequestRefusal::kDraining));
  answer(key, exchange.terms(), outcome, look.snapshot, now, exchange);
}

void HeldResource::refuse_place(std::string_view key, Exchange& exchange) {
  refuse_client(key,
                "this client has too many requests held; wait for some, or for many jobs in one",
                exchange);
}

void HeldResource::refuse_client(std::string_view key, std::string_view why, Exchange& exchange) {
  count(context_.metrics.refused(RequestRefusal::kClientParked));
  refuse(key, passing_problem(429, why), exchange);
}

bool HeldResource::refuse_unread(std::string_view key, std::size_t body_bytes, Exchange& exchange) {
  if (body_bytes < kLargeBodyBytes || !exchange.unread_full(body_bytes)) return false;
  count(context_.metrics.refused(RequestRefusal::kClientUnread));
  refuse(key, passing_problem(429, "this client has too much left to read; read it first"),
         exchange);
  return true;
}

// What need not wait is answered all the same.
void HeldResource::answer_without_place(std::string_view key, const Waiter::Terms& terms,
                                        Exchange& exchange) {
  const TimePoint now = exchange.facts().received;
  const Lot::Look look = lot_.look(key, terms, now);
  const bool ready = look.snapshot != nullptr && look.verdict != Verdict::kPending;
  if (ready) return answer(key, terms, Outcome::kNow, look.snapshot, now, exchange);
  refuse_place(key, exchange);
}

void HeldResource::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                          Exchange& exchange) {
  if (outcome == Outcome::kTimeout && exchange.facts().by_token) outcome = Outcome::kAuth;
  answer(exchange.key(), exchange.terms(), outcome, snapshot, context_.clock.now(), exchange);
}

// The one place where state becomes a status, for requests that waited and those that did not.
void HeldResource::answer(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
                          const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                          Exchange& exchange) {
  const bool stale = context_.freshness.stale(now);
  const bool sure = exchange.facts().caught_up || outcome == Outcome::kGone;
  if (snapshot == nullptr && !stale && !sure) {
    const bool exists = terms.condition.kind() == Condition::Kind::kExists;
    return catch_up(key, terms, !exists, exchange);
  }
  count(context_.metrics.mine().outcomes[static_cast<std::size_t>(outcome)]);
  if (snapshot == nullptr) {
    if (!stale || outcome == Outcome::kGone) return refuse(key, absent(key, outcome), exchange);
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return refuse(key, not_fresh("NATS is away and there is nothing of this id here; try again"),
                  exchange);
  }
  if (stale && !snapshot->final && !exchange.facts().max_stale) {
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return refuse(key,
                  not_fresh("NATS is away, jobs may have moved; send Cache-Control: "
                            "max-stale to get what was last known"),
                  exchange);
  }
  if (exchange.facts().held) {
    if (auto failed = failure(key, terms.condition, *snapshot)) {
      return send_failure(key, *std::move(failed), snapshot, exchange);
    }
  }
  if (!meets_only_if(*snapshot, terms.type, exchange)) {
    return refuse(key, problem(412, "If-Match does not list the tag of the current state"),
                  exchange);
  }
  send_snapshot(key, terms, outcome, snapshot, now, exchange);
}

// The state is not copied into the problem: it may be large, and slow readers many.
void HeldResource::send_failure(std::string_view key, Failure failure,
                                const std::shared_ptr<const Snapshot>& snapshot,
                                Exchange& exchange) {
  if (refuse_unread(key, snapshot->size_of(MediaType::kJson), exchange)) return;
  failure.problem.set_header("Vary", "Accept, Prefer");
  std::string& begin = failure.problem.body;
  begin.pop_back();  // The closing brace.
  begin.append(",\"").append(failure.member).append("\":");
  exchange.send_around(failure.problem, snapshot, snapshot->json.bytes, "}", log_path(key));
}

void HeldResource::send_snapshot(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
                                 const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                                 Exchange& exchange) {
  const RequestFacts& facts = exchange.facts();
  const EntityTag* const known_as = snapshot->known_as(terms.seen, terms.type);
  const bool body = known_as == nullptr && !facts.head;
  if (body && refuse_unread(key, snapshot->size_of(terms.type), exchange)) return;
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - facts.received);
  thread_local std::string head;
  head.clear();
  append_state_head(head, *snapshot, terms.type, known_as, outcome, facts, waited);
  exchange.send_laid_out(
      known_as == nullptr ? 200 : 304, head, snapshot,
      body ? std::string_view(snapshot->as(terms.type).bytes) : std::string_view(), log_path(key));
}

void HeldResource::refuse(std::string_view key, httplib::Response problem, Exchange& exchange) {
  problem.set_header("Vary", "Accept, Prefer");
  exchange.send(problem, log_path(key));
}

}  // namespace bide
