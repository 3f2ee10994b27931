#include "server/net/parker.h"

#include "core/table/catch_up.h"

namespace bide {

Parker::Ask Parker::ask_of(Exchange& exchange) const {
  return {exchange.stage(), exchange.target(),
          exchange.streaming() ? front_.clock().now() : exchange.facts().received};
}

Parked Parker::park(const Ask& ask, Exchange& exchange, std::uint64_t ticket, Look& look) {
  if (ask.stage != Stage::kCondition) return table_.catch_up().park(exchange, ticket);
  return table_.park(ask.target, exchange, ticket, ask.since, look);
}

void Parker::unpark(Exchange& exchange) {
  tally(exchange).subtract(1);
  if (exchange.stage() != Stage::kCondition) return table_.catch_up().unpark(exchange);
  table_.unpark(exchange.target(), exchange);
}

Tally& Parker::tally(const Exchange& exchange) const {
  return front_.metrics().mine().parked[static_cast<std::size_t>(exchange.parked_on())];
}

void Parker::note_answer(const Exchange& exchange, bool was_stream, TimePoint now) const {
  HttpTally& mine = front_.metrics().mine();
  if (!was_stream) mine.held.observe(now - exchange.facts().received);
  if (exchange.news_at == TimePoint{}) return;
  (was_stream ? mine.stream_news : mine.request_news).observe(now - exchange.news_at);
}

Outcome Parker::outcome_of(const Waiter::Terms& terms, const Look& look) {
  if (look.snapshot == nullptr) return Outcome::kGone;
  return terms.condition.kind() == Condition::Kind::kChange ? Outcome::kChanged : Outcome::kDone;
}

}  // namespace bide
