#include "core/table/job_set_group.h"

#include <new>
#include <utility>

namespace bide {

// --- The request ------------------------------------------------------------------------------

JobSetGroup::JobSetGroup(JobSets& sets, Waiter& waiter, std::shared_ptr<const JobSetQuery> query)
    : sets_(sets),
      waiter_(waiter),
      query_(std::move(query)),
      terms_(waiter.terms),
      for_change_(terms_.condition.kind() == Condition::Kind::kChange) {}

Parked JobSetGroup::park(TimePoint now, Look& look) {
  MutexLock lock(mutex_);
  if (closed_) return Parked::kGone;
  for (std::size_t i = 0; i < query_->ids.size(); ++i) strands_.emplace_back(*this, i);
  Parked refused = Parked::kFull;
  admitted_ = sets_.table_.places().try_take(place_count());
  if (admitted_) {
    look_due_ = for_change_ || terms_.seen.any();
    if (!advance(now, look)) return Parked::kParked;
    refused = Parked::kDraining;
  }
  if (!admitted_ || draining_) look = look_at_all(now);
  close();
  return is_decided(look) ? Parked::kReady : refused;
}

void JobSetGroup::leave() {
  MutexLock lock(mutex_);
  if (!closed_) close();
}

void JobSetGroup::on_answer(Strand& strand, Outcome told) {
  std::optional<Outcome> outcome;
  Look look;
  {
    MutexLock lock(mutex_);
    const TimePoint news_at = strand.news_at;
    strand.put_back();
    if (closed_) return;
    outcome = judge(strand, told, look);
    if (!outcome) return;
    const bool ours = waiter_.try_claim();
    close();
    if (!ours) return;  // The client hung up; leave() will be called.
    waiter_.news_at = news_at;
  }
  sets_.forget(waiter_, *this);
  waiter_.answer(*outcome, std::move(look.snapshot));
}

void JobSetGroup::lose(Strand* strand) noexcept {
  {
    MutexLock lock(mutex_);
    if (strand != nullptr) strand->put_back();
    if (closed_) return;
    const bool ours = waiter_.try_claim();
    close();
    if (!ours) return;
  }
  sets_.forget(waiter_, *this);
  waiter_.lose();
}

std::optional<Outcome> JobSetGroup::judge(Strand& strand, Outcome told, Look& look) {
  const TimePoint now = sets_.clock_.now();
  if (told == Outcome::kChanged || told == Outcome::kDone) {
    strand.appeared = true;
    if (std::exchange(strand.counted, false)) --counted_;
    look_due_ = look_due_ || for_change_;
    if (!advance(now, look)) return std::nullopt;
    told = draining_ ? Outcome::kDrain : Outcome::kGone;  // Unless `look` decides otherwise.
  }
  if (told == Outcome::kTimeout || told == Outcome::kDrain) look = look_at_all(now);
  if (!is_decided(look)) return told;
  if (look.snapshot == nullptr) return Outcome::kGone;
  return for_change_ ? Outcome::kChanged : Outcome::kDone;
}

// --- The wait ---------------------------------------------------------------------------------

// A further round happens only if a job changed between two looks, within microseconds.
bool JobSetGroup::advance(TimePoint now, Look& look) {
  do {
    JobSnapshots jobs;
    if (std::exchange(look_due_, false)) {
      look = look_at_all(now, &jobs);
      if (is_decided(look)) return true;
      look = {};
    }
    for (Strand& strand : strands_) {
      if (strand.idle) arm(strand, jobs, now);
      if (draining_) return true;
      if (look_due_) break;
    }
  } while (look_due_);
  return false;
}

void JobSetGroup::arm(Strand& strand, const JobSnapshots& jobs, TimePoint now) {
  Look look;
  if (for_change_) {
    look.snapshot = jobs[strand.index];  // For `change`, advance() looks before it arms a strand.
  } else {
    if (try_park(strand, terms_.condition, {}, now, look) || draining_) return;
    const Verdict decisive = decisive_verdict(terms_.condition, query_->match_any);
    gone_ = gone_ || look.snapshot == nullptr;
    if (look.snapshot == nullptr || look.verdict == decisive) {
      look_due_ = true;
      return;
    }
    strand.appeared = true;
  }
  const ValidatorList seen = ValidatorList(look.snapshot->json.tag);
  if (!try_park(strand, Condition::any_change(), seen, now, look)) {
    look_due_ = true;  // The job was changed or deleted meanwhile.
    return;
  }
  if (for_change_) return;
  strand.counted = true;
  if (++counted_ == strands_.size()) look_due_ = true;
}

bool JobSetGroup::try_park(Strand& strand, const Condition& condition, ValidatorList seen,
                           TimePoint now, Look& look) {
  strand.terms.condition = condition;
  strand.terms.seen = std::move(seen);
  strand.terms.deadline = terms_.deadline;
  strand.terms.places = 0;
  strand.terms.waits_for_job = terms_.waits_for_job && !strand.appeared;
  const Parked parked = sets_.table_.park(query_->ids[strand.index], strand, 0, now, look);
  strand.idle = parked != Parked::kParked;
  draining_ = draining_ || parked == Parked::kDraining;
  return !strand.idle;
}

Look JobSetGroup::look_at_all(TimePoint now, JobSnapshots* jobs) {
  return look_at_set(sets_.table_, *query_, terms_, now, jobs);
}

bool JobSetGroup::is_decided(const Look& look) const {
  if (look.snapshot == nullptr) return gone_ || !terms_.waits_for_job;
  return look.verdict != Verdict::kPending;
}

// A strand that a notifier has claimed meanwhile finds a closed group.
void JobSetGroup::close() {
  closed_ = true;
  for (Strand& strand : strands_) {
    if (!strand.idle && strand.take()) sets_.table_.unpark(query_->ids[strand.index], strand);
  }
  if (admitted_) sets_.table_.places().give_back(place_count());
}

}  // namespace bide
