// core/condition.h: What a request waits for, judged on the job as it stands.
//
// Thread safety: immutable value. judge() reads the job, so the caller holds its shard's mutex.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/clock.h"
#include "core/entity_tag.h"
#include "core/job.h"
#include "core/snapshot.h"

namespace bide {

enum class Verdict : std::uint8_t {
  kHolds,    // Answer now: this is the news.
  kPending,  // Not yet.
  kNever,    // No later state can satisfy it (a failed job will not succeed): answer now, too.
  kNews,     // Of news_until() only: a state the client has not seen; more may come.
};

class Condition {
 public:
  enum class Kind : std::uint8_t { kChange, kDone, kSucceeded, kExists, kStatus, kFinal };

  // The default: the job's current entity tag matches none of `seen`.
  Condition() = default;
  static Condition change() { return Condition(Kind::kChange); }
  // Terminal, and final or unchanged for the table's settle time; with `agents_min` > 0 at least
  // so many agents terminal.
  static Condition done(std::uint32_t agents_min = 0);
  // Completed, as `done`. kNever as soon as the job failed, was skipped or partly failed.
  static Condition succeeded() { return Condition(Kind::kSucceeded); }
  static Condition exists() { return Condition(Kind::kExists); }
  // One of the statuses whose bit (1 << Status) is set in `mask`.
  static Condition status_in(std::uint8_t mask);
  // Can no longer change.
  static Condition final() { return Condition(Kind::kFinal); }
  // What a stream waits for between two records: kNews as long as the client has not seen the
  // current state, else what `end` says. The last state is told before the end.
  static Condition news_until(const Condition& end);

  [[nodiscard]] Kind kind() const { return kind_; }

  struct Judgement {
    Verdict verdict;
    // kPending only: when time alone may change the verdict (settling).
    TimePoint again_at = kEndOfTime;
  };
  // `seen` are the client's validators for `type`. `settled_at`: when the job will have been
  // unchanged for the settle time. `current_tag()`
  // renders at most once per version of the job.
  template <typename TagOf>
  [[nodiscard]] Judgement judge(const Job& job, const ValidatorList& seen, TimePoint now,
                                TimePoint settled_at, TagOf&& current_tag) const {
    if (seen.any()) return {Verdict::kNever};  // `*` matches every state there will be.
    if (kind_ == Kind::kChange || news_) {
      const bool news = !may_match(job, seen) || !seen.matches(current_tag());
      if (news) return {news_ ? Verdict::kNews : Verdict::kHolds};
      if (!news_) return {job.final() ? Verdict::kNever : Verdict::kPending};
    }
    return judge_state(job, now, settled_at);
  }

 private:
  explicit Condition(Kind kind) : kind_(kind) {}
  Judgement judge_state(const Job& job, TimePoint now, TimePoint settled_at) const;
  static bool may_match(const Job& job, const ValidatorList& seen);

  Kind kind_ = Kind::kChange;
  bool news_ = false;
  std::uint8_t status_mask_ = 0;
  std::uint32_t agents_min_ = 0;
};

}  // namespace bide
