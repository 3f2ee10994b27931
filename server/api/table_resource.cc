#include "server/api/table_resource.h"

namespace bide {

void TableResource::wait_in(Stage stage, TimePoint deadline, Exchange& exchange) {
  exchange.terms.deadline = deadline;
  Look nothing;
  const Parked parked = exchange.park(stage, nothing);
  if (was_handed_over(parked)) return;
  refuse_behind(parked == Parked::kDraining ? Outcome::kDrain : Outcome::kShed, exchange);
}

void TableResource::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                           Exchange& exchange) {
  if (exchange.stage() == Stage::kCondition) return answer(outcome, snapshot, exchange);
  if (outcome != Outcome::kChanged) return refuse_behind(outcome, exchange);
  exchange.facts().caught_up = true;
  freshness_.catch_up().forget_foreign(exchange.terms.seen);
  judge(clock_.now(), exchange);
}

}  // namespace bide
