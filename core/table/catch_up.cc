#include "core/table/catch_up.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace bide {

CatchUp::CatchUp(Clock& clock, Crew* crew, ParkingPlaces& places, const Position& position)
    : clock_(clock), crew_(crew), places_(places), position_(position) {}

CatchUp::~CatchUp() { assert(!attendant_.joinable() && !asking_.joinable()); }

void CatchUp::start(Tail& tail) {
  MutexLock lock(mutex_);
  started_ = true;
  asking_ = std::thread([this, &tail] { ask_on(tail); });
  attendant_ = std::thread([this] { attend(); });
}

// --- The requests' side ---------------------------------------------------------------------

Lot::Look CatchUp::look(std::string_view /*key*/, const Waiter::Terms& /*terms*/,
                        TimePoint /*now*/) {
  return {};
}

Lot::Parked CatchUp::park(std::string_view /*key*/, Waiter& waiter, std::uint64_t ticket,
                          TimePoint /*now*/, Look& look) {
  look = {};
  MutexLock lock(mutex_);
  if (!waiter.present(ticket)) return Parked::kGone;
  if (draining_ || !started_) return Parked::kDraining;
  // All that may throw comes before the first thing that would have to be undone.
  due_.make_room();
  if (groups_.empty() || groups_.back().state != Group::State::kNew) groups_.emplace_back();
  if (!places_.try_take(waiter.terms.places)) return Parked::kFull;
  const bool first = groups_.back().waiters == nullptr;
  groups_.back().link(waiter);
  due_.insert(waiter, waiter.terms.deadline);
  if (first) ask_.notify_one();
  if (&due_.top() == &waiter) news_.notify_one();
  return Parked::kParked;
}

void CatchUp::unpark(std::string_view /*key*/, Waiter& waiter) {
  MutexLock lock(mutex_);
  if (due_.holds(waiter)) forget(waiter);  // Or the attendant lost its claim to us.
}

void CatchUp::forget(Waiter& waiter) {
  WaiterList::unlink(waiter);
  due_.erase(waiter);
  places_.give_back(waiter.terms.places);
}

// --- The asking thread ----------------------------------------------------------------------

namespace {

// Without memory for the question nobody knows, and it is asked again.
std::optional<Tail::Report> ask(Tail& tail) {
  try {
    return tail.read();
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

}  // namespace

bool CatchUp::has_new() const {
  return std::any_of(groups_.begin(), groups_.end(), [](const Group& group) {
    return group.state == Group::State::kNew && group.waiters != nullptr;
  });
}

void CatchUp::ask_on(Tail& tail) {
  MutexLock lock(mutex_);
  while (!stopped_) {
    const TimePoint now = clock_.now();
    const bool wanted = has_new();
    if (!wanted || now < next_ask_) {
      clock_.wait_until(ask_, mutex_, wanted ? next_ask_ : kEndOfTime);
      continue;
    }
    next_ask_ = now + kPace;
    for (Group& group : groups_) {
      if (group.state == Group::State::kNew) group.state = Group::State::kAsked;
    }
    const Position::Place before = position_.get();
    const std::uint64_t installs_before = installs_;
    mutex_.unlock();
    const std::optional<Tail::Report> report = ask(tail);
    mutex_.lock();
    // What was installed meanwhile may be of either stream.
    if (!report || installs_ != installs_before) {
      tell(Group::State::kNew, {});
      continue;
    }
    const Position::Place end = report->end;
    const bool same = report->link == link_ && end.epoch == before.epoch && end >= before;
    if (!same) tail.doubt();
    tell(same ? Group::State::kTold : Group::State::kPutOff, end);
  }
}

void CatchUp::tell(Group::State state, Position::Place place) {
  for (Group& group : groups_) {
    if (group.state != Group::State::kAsked) continue;
    group.state = state;
    group.place = place;
  }
  news_.notify_one();
}

// --- The attendant --------------------------------------------------------------------------

void CatchUp::attend() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    Batch batch;
    take_ready(clock_.now(), batch);
    if (batch.empty()) {
      if (draining_) drained_.notify_all();
      clock_.wait_until(news_, mutex_, due_.next_due());
      continue;
    }
    handing_out_ = true;
    mutex_.unlock();
    hand_out(batch, crew_);
    mutex_.lock();
    handing_out_ = false;
  }
}

void CatchUp::take_ready(TimePoint now, Batch& batch) {
  publish_wanted();  // Before the position is looked at.
  for (Group& group : groups_) {
    if (!is_reached(group)) continue;
    while (group.waiters != nullptr) take(*group.waiters, Outcome::kChanged, batch);
  }
  while (draining_ ? !due_.empty() : due_.next_due() <= now) {
    take(due_.top(), draining_ ? Outcome::kDrain : Outcome::kTimeout, batch);
  }
  groups_.remove_if([](const Group& group) { return group.waiters == nullptr; });
  publish_wanted();
}

bool CatchUp::is_reached(const Group& group) const {
  return group.state == Group::State::kTold && position_.get() >= group.place;
}

void CatchUp::publish_wanted() {
  const Epoch epoch = position_.epoch();
  Revision wanted = kNobody;
  for (const Group& group : groups_) {
    // Others wait for the bucket to be read, and that is told by installed().
    const bool by_revision = group.state == Group::State::kTold && group.place.epoch == epoch;
    if (by_revision) wanted = std::min(wanted, group.place.revision);
  }
  wanted_.store(wanted);
}

void CatchUp::take(Waiter& waiter, Outcome outcome, Batch& batch) {
  forget(waiter);
  if (!waiter.try_claim()) return;
  try {
    batch.ready.push_back({&waiter, outcome, nullptr});
  } catch (const std::bad_alloc&) {
    batch.lost.link(waiter);
  }
}

// Under the lock, or it could come between the attendant's look and its sleep.
void CatchUp::wake() {
  MutexLock lock(mutex_);
  news_.notify_one();
}

void CatchUp::installed(Link link) {
  MutexLock lock(mutex_);
  ++installs_;
  link_ = link;
  for (Group& group : groups_) {
    if (group.state == Group::State::kPutOff) group.state = Group::State::kNew;
  }
  next_ask_ = {};  // Reads of the bucket have a pace of their own.
  ask_.notify_one();
  news_.notify_one();
}

void CatchUp::begin_drain() {
  MutexLock lock(mutex_);
  draining_ = true;
  news_.notify_one();
}

void CatchUp::finish_drain() {
  MutexLock lock(mutex_);
  while (!due_.empty() || handing_out_) {
    drained_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  }
}

void CatchUp::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    news_.notify_one();
    ask_.notify_one();
  }
  if (asking_.joinable()) asking_.join();
  if (attendant_.joinable()) attendant_.join();
}

}  // namespace bide
