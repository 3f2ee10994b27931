#include "server/held_resource.h"

#include <string>
#include <utility>

#include "server/problem.h"
#include "server/state_head.h"

namespace bide {
namespace {

httplib::Response unavailable(std::string_view detail) {
  httplib::Response response = problem(503, "not-fresh", "Service Unavailable", detail);
  response.set_header("Retry-After", "1");
  return response;
}

}  // namespace

void HeldResource::serve(std::string_view key, HoldQuery hold, const Condition& condition,
                         MediaType type, Exchange& exchange) {
  RequestFacts& facts = exchange.facts();
  context_.hold_time.grant(hold, facts);
  if (!context_.freshness.ready()) {
    count(context_.metrics.refused(RequestRefusal::kNotReady));
    return refuse(key, unavailable("the jobs are still being read from NATS; try again"), exchange);
  }
  const TimePoint until = facts.held ? context_.hold_time.deadline(facts) : facts.received;
  answer_or_park(key, {condition, std::move(hold.seen), type, until}, exchange);
}

void HeldResource::answer_or_park(std::string_view key, Waiter::Terms terms, Exchange& exchange) {
  const TimePoint now = exchange.facts().received;
  // To wait for a job that is not known here makes no sense while nobody could tell of it.
  const bool hopeless =
      terms.condition.kind() == Condition::Kind::kExists && context_.freshness.stale(now);
  if (!exchange.facts().held || hopeless) {
    const Lot::Look look = lot_.look(key, terms, now);
    if (look.snapshot == nullptr || !exchange.facts().held) {
      return answer(key, terms, Outcome::kNow, look.snapshot, now, exchange);
    }
  }
  Lot::Parked parked{};
  Lot::Look look;
  if (exchange.park(*this, key, std::move(terms), parked, look) == Exchange::Park::kParked) {
    count(context_.metrics.mine().requests_parked);
    return;
  }
  const Outcome outcome = parked == Lot::Parked::kFull       ? Outcome::kShed
                          : parked == Lot::Parked::kDraining ? Outcome::kDrain
                                                             : Outcome::kNow;
  if (outcome == Outcome::kShed) count(context_.metrics.refused(RequestRefusal::kShed));
  if (outcome == Outcome::kDrain) count(context_.metrics.refused(RequestRefusal::kDraining));
  answer(key, exchange.terms(), outcome, look.snapshot, now, exchange);
}

void HeldResource::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                          Exchange& exchange) {
  answer(exchange.key(), exchange.terms(), outcome, snapshot, context_.clock.now(), exchange);
}

// The one place where state becomes a status, for requests that waited and those that did not.
void HeldResource::answer(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
                          const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                          Exchange& exchange) {
  count(context_.metrics.mine().outcomes[static_cast<std::size_t>(outcome)]);
  const bool stale = context_.freshness.stale(now);
  if (snapshot == nullptr) {
    if (!stale || outcome == Outcome::kGone) return refuse(key, absent(key, outcome), exchange);
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return refuse(key, unavailable("NATS is away and there is nothing of this id here; try again"),
                  exchange);
  }
  if (stale && !snapshot->final && !exchange.facts().max_stale) {
    count(context_.metrics.refused(RequestRefusal::kNotFresh));
    return refuse(key,
                  unavailable("NATS is away, jobs may have moved; send Cache-Control: "
                              "max-stale to get what was last known"),
                  exchange);
  }
  if (exchange.facts().held) {
    if (auto failed = failure(key, terms.condition, *snapshot)) {
      return refuse(key, *std::move(failed), exchange);
    }
  }
  send_snapshot(key, terms, outcome, snapshot, now, exchange);
}

void HeldResource::send_snapshot(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
                                 const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                                 Exchange& exchange) {
  const RequestFacts& facts = exchange.facts();
  const EntityTag* const known_as = snapshot->known_as(terms.seen, terms.type);
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - facts.received);
  thread_local std::string head;
  head.clear();
  append_state_head(head, *snapshot, terms.type, known_as, outcome, facts, waited);
  const bool body = known_as == nullptr && !facts.head;
  exchange.send_laid_out(
      known_as == nullptr ? 200 : 304, head, snapshot,
      body ? std::string_view(snapshot->as(terms.type).bytes) : std::string_view(), log_path(key));
}

void HeldResource::refuse(std::string_view key, httplib::Response problem, Exchange& exchange) {
  problem.set_header("Vary", "Accept, Prefer");
  exchange.send(problem, log_path(key));
}

}  // namespace bide
