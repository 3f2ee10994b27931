#include "core/table/selection_group.h"

#include <new>
#include <utility>

namespace bide {
namespace {

// How often in a row jobs may come or leave between two looks, within microseconds. After that the
// request is answered as shed.
constexpr int kSelectionsMax = 8;

Outcome outcome_of(Parked parked, const Look& look) {
  switch (parked) {
    case Parked::kReady:
      return look.snapshot == nullptr ? Outcome::kGone : Outcome::kDone;
    case Parked::kDraining:
      return Outcome::kDrain;
    case Parked::kParked:
    case Parked::kFull:
    case Parked::kTooMany:
    case Parked::kGone:
      break;
  }
  return Outcome::kShed;
}

}  // namespace

// --- The request ------------------------------------------------------------------------------

SelectionGroup::SelectionGroup(JobSets& sets, Waiter& waiter,
                               std::shared_ptr<const JobSetQuery> query)
    : sets_(sets),
      waiter_(waiter),
      query_(std::move(query)),
      terms_(waiter.terms),
      jobs_(*this),
      membership_(*this) {}

Parked SelectionGroup::park(TimePoint now, Look& look) {
  MutexLock lock(mutex_);
  if (closed_) return Parked::kGone;
  const Parked parked = advance(now, look);
  if (parked != Parked::kParked) close();
  return parked;
}

void SelectionGroup::leave() {
  MutexLock lock(mutex_);
  if (!closed_) close();
}

void SelectionGroup::on_answer(Part& part, Outcome told) {
  Outcome outcome = told;
  Look look;
  {
    MutexLock lock(mutex_);
    const TimePoint news_at = part.news_at;
    part.put_back();
    if (closed_) return;
    const TimePoint now = sets_.clock_.now();
    if (told == Outcome::kTimeout || told == Outcome::kDrain) {
      look = sets_.look(*query_, terms_, now);
      if (look.snapshot != nullptr && look.verdict != Verdict::kPending) outcome = Outcome::kDone;
    } else {
      const Parked parked = advance(now, look);
      if (parked == Parked::kParked) return;
      outcome = outcome_of(parked, look);
    }
    const bool ours = waiter_.try_claim();
    close();
    if (!ours) return;  // The client hung up; leave() will be called.
    waiter_.news_at = news_at;
  }
  sets_.forget(waiter_, *this);
  waiter_.answer(outcome, std::move(look.snapshot));
}

// There is no memory for the next step: the request ends without an answer.
void SelectionGroup::lose(Part* part) noexcept {
  {
    MutexLock lock(mutex_);
    if (part != nullptr) part->put_back();
    if (closed_) return;
    const bool ours = waiter_.try_claim();
    close();
    if (!ours) return;
  }
  sets_.forget(waiter_, *this);
  waiter_.lose();
}

// --- The wait ---------------------------------------------------------------------------------

Parked SelectionGroup::advance(TimePoint now, Look& look) {
  for (int tries = 0; tries < kSelectionsMax; ++tries) {
    look = {};
    Members members = sets_.select(query_->selection);
    const bool gone = members.ids.empty() && (!ids_.empty() || !terms_.waits_for_job);
    if (gone || !members.whole) return Parked::kReady;
    if (members.ids.size() > terms_.places) break;
    if (members.ids != ids_) {
      recall(jobs_);
      ids_ = members.ids;
    }
    // If jobs_ is about to be answered, that answer leads here again.
    if (jobs_.idle && !ids_.empty()) {
      jobs_.on = std::make_shared<const JobSetQuery>(JobSetQuery{ids_, query_->match_any});
      jobs_.terms.condition = terms_.condition;
      jobs_.terms.seen = terms_.seen;
      const Parked parked = try_park(jobs_, now, look);
      const bool decided = parked == Parked::kReady && look.snapshot != nullptr;
      if (decided && sets_.select(query_->selection).ids == ids_) return parked;
      if (parked == Parked::kReady && tries + 1 < kSelectionsMax)
        continue;  // A job has come or left.
      // While a read of the bucket is being installed, jobs may be missing for longer.
      if (parked != Parked::kParked && parked != Parked::kReady) return parked;
    }
    if (!membership_.idle) return Parked::kParked;
    membership_.on = Feed{query_->selection, true};
    membership_.terms.seen = ValidatorList(members.as_of);
    Look none;
    const Parked parked = try_park(membership_, now, none);
    if (parked == Parked::kParked) return parked;
    if (parked == Parked::kReady) continue;
    look = sets_.look(*query_, terms_, now);
    return parked;
  }
  look = sets_.look(*query_, terms_, now);
  return Parked::kFull;
}

Parked SelectionGroup::try_park(Part& part, TimePoint now, Look& look) {
  part.terms.deadline = terms_.deadline;
  part.idle = false;
  Parked parked{};
  try {
    parked = sets_.table_.park(part.on, part, 0, now, look);
  } catch (const std::bad_alloc&) {
    part.idle = true;
    throw;
  }
  part.idle = parked != Parked::kParked;
  return parked;
}

void SelectionGroup::recall(Part& part) {
  if (part.idle || !part.take()) return;  // Or its answer is on the way.
  sets_.table_.unpark(part.on, part);
  part.put_back();
}

void SelectionGroup::close() {
  closed_ = true;
  recall(jobs_);
  recall(membership_);
}

}  // namespace bide
