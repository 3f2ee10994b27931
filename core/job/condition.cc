#include "core/job/condition.h"

#include <algorithm>

namespace bide {

Condition Condition::any_change() {
  Condition condition(Kind::kChange);
  condition.final_too_ = true;
  return condition;
}

Condition Condition::done(std::uint32_t agents_min) {
  Condition condition(Kind::kDone);
  condition.agents_min_ = agents_min;
  return condition;
}

Condition Condition::status_in(std::uint8_t mask) {
  Condition condition(Kind::kStatus);
  condition.status_mask_ = mask;
  return condition;
}

Condition Condition::news_until(const Condition& end) {
  Condition condition = end;
  condition.news_ = true;
  return condition;
}

// Only a tag of the current revision can match, so comparing revisions avoids rendering the job for
// its hash. The text's revision may be older than the JSON's, and may take a walk over all events.
// So for the text the status is compared instead.
bool Condition::may_match(const Job& job, const ValidatorList& seen) {
  return std::any_of(seen.tags().begin(), seen.tags().end(), [&](const EntityTag& tag) {
    return tag.revision == job.revision() || tag.hash == text_hash_of(job.status());
  });
}

Condition::Judgement Condition::judge_state(const Job& job, const Moment& moment) const {
  const Status status = job.status();
  const bool final = moment.is_final(job);
  const Verdict unless_final = final ? Verdict::kNever : Verdict::kPending;
  switch (kind_) {
    case Kind::kChange:  // judge() compares its tag.
    case Kind::kNothing:
      break;
    case Kind::kFinal:
      return {final ? Verdict::kHolds : Verdict::kPending};
    case Kind::kExists:
      return {Verdict::kHolds};
    case Kind::kStatus:
      if ((status_mask_ >> static_cast<unsigned>(status)) & 1U) return {Verdict::kHolds};
      return {unless_final};
    case Kind::kSucceeded:
      if (is_terminal(status) && status != Status::kCompleted) {
        if (moment.in_grace(job)) return {Verdict::kPending, moment.graced_at};
        return {job.at_work() ? Verdict::kPending : Verdict::kNever};
      }
      [[fallthrough]];
    case Kind::kDone:
      if (!is_terminal(status)) return {Verdict::kPending};
      if (job.agents_terminal() < agents_min_) return {unless_final};
      if (final) return {Verdict::kHolds};
      if (job.at_work()) return {Verdict::kPending};
      return judge_settling(job, moment);
  }
  return {Verdict::kPending};
}

// The job needs nothing but time: the grace, the settle time if its agents are unknown, or both.
Condition::Judgement Condition::judge_settling(const Job& job, const Moment& moment) {
  TimePoint from = job.final() ? TimePoint{} : moment.settled_at;
  if (moment.in_grace(job)) from = std::max(from, moment.graced_at);
  if (moment.now >= from) return {Verdict::kHolds};
  return {Verdict::kPending, from};
}

}  // namespace bide
