// core/job/condition.h: What a request waits for, judged on the job as it stands.
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
  kHolds,    // Answer now: this is the news.
  kPending,  // Not yet.
  kNever,    // No later state can satisfy it (a failed job will not succeed): answer now, too.
  kNews,     // Of news_until() only: a state the client has not seen; more may come.
};

// When a job is judged, and when time alone changes the verdict.
struct Moment {
  TimePoint now;
  TimePoint settled_at{};             // It will have been unchanged for the settle time.
  TimePoint graced_at = TimePoint{};  // It will have had no event for the retry grace.

  // It has ended without success, and may still be delivered again.
  [[nodiscard]] bool in_grace(const Job& job) const {
    const Status status = job.status();
    return now < graced_at && is_terminal(status) && status != Status::kCompleted;
  }
  [[nodiscard]] bool is_final(const Job& job) const { return job.final() && !in_grace(job); }
};

class Condition {
 public:
  enum class Kind : std::uint8_t { kChange, kDone, kSucceeded, kExists, kStatus, kFinal };

  // The default: the job's current entity tag matches none of `seen`.
  Condition() = default;
  static Condition change() { return Condition(Kind::kChange); }
  // The same, and pending where the job is final: a late event still joins its timeline.
  static Condition any_change();
  // Terminal, and final or, if it is for agents that nobody has named or counted, nobody at work,
  // no longer in grace, and unchanged for the table's settle time; with `agents_min` > 0 at least
  // so many agents terminal.
  static Condition done(std::uint32_t agents_min = 0);
  // Completed, as `done`. kNever as soon as the job failed, was skipped or partly failed, nobody is
  // at work, and its grace is over.
  static Condition succeeded() { return Condition(Kind::kSucceeded); }
  static Condition exists() { return Condition(Kind::kExists); }
  // One of the statuses whose bit (1 << Status) is set in `mask`.
  static Condition status_in(std::uint8_t mask);
  // See Job::final(); its grace is over.
  static Condition final() { return Condition(Kind::kFinal); }
  // What a stream waits for between two records: kNews as long as the client has not seen the
  // current state, else what `end` says. The last state is told before the end.
  static Condition news_until(const Condition& end);

  [[nodiscard]] Kind kind() const { return kind_; }

  struct Judgement {
    Verdict verdict;
    // kPending only: when time alone may change the verdict (settling, the retry grace).
    TimePoint again_at = kEndOfTime;
  };
  // `seen` are the client's validators for `type`. `current_tag()` renders at most once per version
  // of the job.
  template <typename TagOf>
  [[nodiscard]] Judgement judge(const Job& job, const ValidatorList& seen, const Moment& moment,
                                TagOf&& current_tag) const {
    if (seen.any()) return {Verdict::kNever};  // `*` matches every state there will be.
    const bool final = moment.is_final(job);
    if (kind_ == Kind::kChange || news_) {
      const bool news = !may_match(job, seen) || !seen.matches(current_tag());
      if (news) return {news_ ? Verdict::kNews : Verdict::kHolds};
      if (!news_) {
        return {final && !final_too_ ? Verdict::kNever : Verdict::kPending,
                final_from(job, moment)};
      }
    }
    Judgement judgement = judge_state(job, moment);
    judgement.again_at = std::min(judgement.again_at, final_from(job, moment));
    return judgement;
  }

 private:
  explicit Condition(Kind kind) : kind_(kind) {}
  Judgement judge_state(const Job& job, const Moment& moment) const;
  static Judgement judge_settling(const Job& job, const Moment& moment);
  // When it becomes final, and its representation says so; kEndOfTime: not by time alone.
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
