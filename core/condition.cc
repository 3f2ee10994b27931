#include "core/condition.h"

#include <algorithm>

namespace bide {

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

// Only a tag of the current revision can match, and comparing revisions spares rendering the job
// just to learn its hash. Both representations are asked: the text's revision lags the JSON's.
bool Condition::may_match(const Job& job, const ValidatorList& seen) {
  return std::any_of(seen.tags().begin(), seen.tags().end(), [&](const EntityTag& tag) {
    return tag.revision == job.revision() || tag.revision == job.status_revision();
  });
}

Condition::Judgement Condition::judge_state(const Job& job, TimePoint now,
                                            TimePoint settled_at) const {
  const Status status = job.status();
  const bool terminal = is_terminal(status);
  switch (kind_) {
    case Kind::kChange:
      break;  // Judged by its tag.
    case Kind::kFinal:
      return {job.final() ? Verdict::kHolds : Verdict::kPending};
    case Kind::kExists:
      return {Verdict::kHolds};
    case Kind::kStatus:
      if ((status_mask_ >> static_cast<unsigned>(status)) & 1U) return {Verdict::kHolds};
      return {job.final() ? Verdict::kNever : Verdict::kPending};
    case Kind::kSucceeded:
      if (terminal && status != Status::kCompleted) return {Verdict::kNever};
      [[fallthrough]];
    case Kind::kDone:
      if (!terminal) return {Verdict::kPending};
      if (job.agents_terminal() < agents_min_) {
        return {job.final() ? Verdict::kNever : Verdict::kPending};
      }
      if (job.final() || now >= settled_at) return {Verdict::kHolds};
      return {Verdict::kPending, settled_at};
  }
  return {Verdict::kPending};
}

}  // namespace bide
