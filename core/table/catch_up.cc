#include "core/table/catch_up.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace bide {

CatchUp::CatchUp(Clock& clock, Executor* executor, ParkingPlaces& places, const Position& position)
    : clock_(clock), position_(position), queue_(clock, executor, places, *this) {}

CatchUp::~CatchUp() { assert(!asking_.joinable()); }

void CatchUp::start(Tail& tail) {
  MutexLock lock(queue_.mutex);
  started_ = true;
  asking_ = std::thread([this, &tail] { ask_on(tail); });
  queue_.start();
}

// --- The requests' side ---------------------------------------------------------------------

Parked CatchUp::park(Waiter& waiter, std::uint64_t ticket) {
  WaitQueue::Lock lock(queue_);
  if (!waiter.present(ticket)) return Parked::kGone;
  if (queue_.draining() || !started_) return Parked::kDraining;
  if (inquiries_.empty() || inquiries_.back().state != Inquiry::State::kNew)
    inquiries_.emplace_back().since = clock_.now();
  const bool first = inquiries_.back().waiters == nullptr;
  if (!queue_.try_park(waiter, inquiries_.back(), waiter.terms.deadline)) return Parked::kFull;
  if (first) ask_.notify_one();
  return Parked::kParked;
}

void CatchUp::unpark(Waiter& waiter) {
  MutexLock lock(queue_.mutex);
  queue_.unpark(waiter);
}

// --- The asking thread ----------------------------------------------------------------------

namespace {

// nullopt also if there is no memory for the request. It is repeated then.
std::optional<Tail::Report> ask(Tail& tail) {
  try {
    return tail.read();
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

}  // namespace

bool CatchUp::has_new() const {
  return std::any_of(inquiries_.begin(), inquiries_.end(), [](const Inquiry& inquiry) {
    return inquiry.state == Inquiry::State::kNew && inquiry.waiters != nullptr;
  });
}

void CatchUp::ask_on(Tail& tail) {
  MutexLock lock(queue_.mutex);
  while (!stopped_) {
    const TimePoint now = clock_.now();
    const bool wanted = has_new();
    if (!wanted || now < next_ask_) {
      clock_.wait_until(ask_, queue_.mutex, wanted ? next_ask_ : kEndOfTime);
      continue;
    }
    next_ask_ = now + kPace;
    for (Inquiry& inquiry : inquiries_) {
      if (inquiry.state == Inquiry::State::kNew) inquiry.state = Inquiry::State::kAsked;
    }
    const Position::Place before = position_.get();
    const std::uint64_t installs_before = installs_;
    queue_.mutex.unlock();
    const std::optional<Tail::Report> report = ask(tail);
    queue_.mutex.lock();
    // A read that was installed meanwhile may be of either stream.
    if (!report || installs_ != installs_before) {
      tell(Inquiry::State::kNew, {});
      continue;
    }
    const Position::Place end = report->end;
    const bool same =
        report->link == link_ && end.epoch == before.epoch && (end >= before || report->may_lag);
    if (!same || !(end >= before)) tail.doubt();
    if (same && report->may_lag)
      ask_again_for_later_than(end >= before ? end : before, clock_.now());
    tell(same ? Inquiry::State::kTold : Inquiry::State::kPutOff, end);
  }
}

// A tag beyond what the server reports may be of an entry that it is about to store.
void CatchUp::ask_again_for_later_than(Position::Place place, TimePoint now) {
  for (auto inquiry = inquiries_.begin(); inquiry != inquiries_.end(); ++inquiry) {
    if (inquiry->state != Inquiry::State::kAsked || now - inquiry->since >= kLagMax) continue;
    // If it stays empty, collect() drops it.
    Inquiry& again = *inquiries_.emplace(inquiry);
    again.since = inquiry->since;
    for (Waiter* next = inquiry->waiters; next != nullptr;) {
      Waiter& waiter = *std::exchange(next, WaiterList::next(*next));
      if (!waiter.has_seen_later_than(place.epoch, place.revision)) continue;
      WaiterList::unlink(waiter);
      again.link(waiter);
    }
  }
}

void CatchUp::tell(Inquiry::State state, Position::Place place) {
  for (Inquiry& inquiry : inquiries_) {
    if (inquiry.state != Inquiry::State::kAsked) continue;
    inquiry.state = state;
    inquiry.place = place;
  }
  queue_.wake();
}

// --- The notifier --------------------------------------------------------------------------

bool CatchUp::collect(TimePoint now, Batch& batch) {
  publish_wanted();  // Before the position is read.
  for (Inquiry& inquiry : inquiries_) {
    if (!is_reached(inquiry)) continue;
    while (inquiry.waiters != nullptr) {
      queue_.take(*inquiry.waiters, Outcome::kChanged, nullptr, {}, batch);
    }
  }
  const Outcome outcome = queue_.draining() ? Outcome::kDrain : Outcome::kTimeout;
  while (Waiter* const waiter = queue_.due_by(now)) {
    queue_.take(*waiter, outcome, nullptr, {}, batch);
  }
  inquiries_.remove_if([](const Inquiry& inquiry) { return inquiry.waiters == nullptr; });
  publish_wanted();
  return false;
}

bool CatchUp::is_reached(const Inquiry& inquiry) const {
  return inquiry.state == Inquiry::State::kTold && position_.get() >= inquiry.place;
}

void CatchUp::publish_wanted() {
  const Epoch epoch = position_.epoch();
  Revision wanted = kNobody;
  for (const Inquiry& inquiry : inquiries_) {
    // The others wait for the bucket to be read. installed() reports that.
    const bool by_revision = inquiry.state == Inquiry::State::kTold && inquiry.place.epoch == epoch;
    if (by_revision) wanted = std::min(wanted, inquiry.place.revision);
  }
  wanted_.store(wanted);
}

void CatchUp::installed(Link link) {
  WaitQueue::Lock lock(queue_);
  ++installs_;
  link_ = link;
  for (Inquiry& inquiry : inquiries_) {
    if (inquiry.state == Inquiry::State::kPutOff) inquiry.state = Inquiry::State::kNew;
  }
  next_ask_ = {};  // The follower limits how often the bucket is read.
  ask_.notify_one();
  queue_.notify();
}

void CatchUp::stop() {
  queue_.stop();
  {
    MutexLock lock(queue_.mutex);
    stopped_ = true;
    ask_.notify_one();
  }
  if (asking_.joinable()) asking_.join();
}

}  // namespace bide
