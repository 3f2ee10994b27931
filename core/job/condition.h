// core/job/condition.h: The condition that a request waits for, judged on the current state of the
// job.
//
// Thread safety: immutable value. judge() reads the job, so the caller holds its shard's mutex or
// has a copy.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/base/clock.h"
#include "core/job/entity_tag.h"
#include "core/job/job.h"
#include "core/job/snapshot.h"

namespace bide {

enum class Verdict : std::uint8_t {
  kHolds,    // Answer now, with this state.
  kPending,  // Not yet.
  kNever,    // No later state can satisfy it (a failed job will not succeed): answer now, too.
  kNews,     // news_until() only: the client has not seen this state; more may come.
};

// The time of a judgement, and the times at which a verdict changes by time alone.
struct Moment {
  TimePoint now;
  TimePoint settled_at{};             // The job will have been unchanged for the settle time.
  TimePoint graced_at = TimePoint{};  // The retry grace will have passed since its last event.
  // Not 0: what changed after this revision of this epoch is progress that waits to be told.
  Revision told = 0;
  Epoch epoch = 0;

  // All that the client has not seen is such progress.
  [[nodiscard]] bool holds_back(const ValidatorList& seen) const {
    return told != 0 &&
           std::any_of(seen.tags().begin(), seen.tags().end(), [&](const EntityTag& tag) {
             return tag.epoch == epoch && tag.revision >= told;
           });
  }

  // The job has ended without success, and may still be delivered to an agent again.
  [[nodiscard]] bool in_grace(const Job& job) const {
    const Status status = job.status();
    return now < graced_at && is_terminal(status) && status != Status::kCompleted;
  }
  [[nodiscard]] bool is_final(const Job& job) const { return job.final() && !in_grace(job); }
};

class Condition {
 public:
  enum class Kind : std::uint8_t { kChange, kDone, kSucceeded, kExists, kStatus, kFinal, kNothing };

  // The default: the job's current entity tag matches none of `seen`.
  Condition() = default;
  static Condition change() { return Condition(Kind::kChange); }
  // The same, but pending if the job is final: a late event may still join its timeline.
  static Condition any_change();
  // The job is terminal, and final. If its definition neither names nor counts its agents, it need
  // not be final: it must have no agent at work, be past the retry grace, and be unchanged for the
  // table's settle time. With `agents_min` > 0, at least that many agents must be terminal.
  static Condition done(std::uint32_t agents_min = 0);
  // As done(), and completed. kNever when the job has failed, partly failed or was skipped, no
  // agent is at work, and the grace is over.
  static Condition succeeded() { return Condition(Kind::kSucceeded); }
  static Condition exists() { return Condition(Kind::kExists); }
  // One of the statuses whose bit (1 << Status) is set in `mask`.
  static Condition status_in(std::uint8_t mask);
  // Job::final(), and the grace is over.
  static Condition final() { return Condition(Kind::kFinal); }
  // The condition of a stream between two records: kNews while the client has not seen the current
  // state, otherwise the verdict of `end`. So the last state is sent before the end. Progress may
  // have to wait (Moment::told).
  static Condition news_until(const Condition& end);

  // Nothing but the deadline: a stream that rests (`every`), and has no end.
  static Condition nothing() { return Condition(Kind::kNothing); }

  [[nodiscard]] Kind kind() const { return kind_; }
  // The end of news_until().
  [[nodiscard]] Condition without_news() const {
    Condition condition = *this;
    condition.news_ = false;
    return condition;
  }

  struct Judgement {
    Verdict verdict;
    // For kPending: when time alone may change the verdict (settling, the retry grace).
    TimePoint again_at = kEndOfTime;
  };
  // `seen`: the client's validators for the representation whose tag `current_tag()` returns. That
  // call renders at most once for each version of the job.
  template <typename TagOf>
  [[nodiscard]] Judgement judge(const Job& job, const ValidatorList& seen, const Moment& moment,
                                TagOf&& current_tag) const {
    if (seen.any()) return {Verdict::kNever};  // `*` matches every later state, too.
    const bool final = moment.is_final(job);
    const auto has_news = [&] { return !may_match(job, seen) || !seen.matches(current_tag()); };
    const bool held_back = news_ && moment.holds_back(seen);
    if (!held_back && (kind_ == Kind::kChange || news_)) {
      if (has_news()) return {news_ ? Verdict::kNews : Verdict::kHolds};
      if (!news_) {
        return {final && !final_too_ ? Verdict::kNever : Verdict::kPending,
                final_from(job, moment)};
      }
    }
    Judgement judgement = judge_state(job, moment);
    if (held_back && judgement.verdict != Verdict::kPending && has_news()) return {Verdict::kNews};
    judgement.again_at = std::min(judgement.again_at, final_from(job, moment));
    return judgement;
  }

 private:
  explicit Condition(Kind kind) : kind_(kind) {}
  Judgement judge_state(const Job& job, const Moment& moment) const;
  static Judgement judge_settling(const Job& job, const Moment& moment);
  // When the job becomes final by time alone, which its representation shows. kEndOfTime: never.
  static TimePoint final_from(const Job& job, const Moment& moment) {
    return job.final() && moment.in_grace(job) ? moment.graced_at : kEndOfTime;
  }
  static bool may_match(const Job& job, const ValidatorList& seen);

  Kind kind_ = Kind::kChange;
  bool news_ = false;
  bool final_too_ = false;
  std::uint8_t status_mask_ = 0;
  std::uint32_t agents_min_ = 0;
};

}  // namespace bide
