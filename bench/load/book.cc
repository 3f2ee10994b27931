#include "bench/load/book.h"

#include <algorithm>
#include <utility>

namespace bench::load {

using bide::MutexLock;

Book::Book(std::size_t clients) : jobs_(clients) {}

Token Book::write(JobRef job, Deed deed, TimePoint due) {
  MutexLock lock(mutex_);
  const Token token = entries_.size();
  entries_.push_back({.job = job, .deed = deed, .due = due});
  if (deed == Deed::kDefined) {
    // An answer each for the definition and the events: room for them now, not while measuring.
    jobs_[job.client].emplace_back().sightings.reserve(1 + kEventsPerJob);
  } else {
    Job& changed = of(job);
    changed.events.at(changed.event_count++) = token;
    ++so_far_.events;
    ++unseen_;
  }
  return token;
}

Book::Entry Book::entry(Token token) const {
  MutexLock lock(mutex_);
  return entries_[token];
}

void Book::rewrite(Token token) {
  MutexLock lock(mutex_);
  entries_[token].rewritten = true;
}

void Book::on_stored(Token token, std::uint64_t revision) {
  const TimePoint now = std::chrono::steady_clock::now();
  MutexLock lock(mutex_);
  Entry& entry = entries_[token];
  if (revision == 0 || entry.revision != 0) return;
  entry.revision = revision;
  ++acknowledged_;
  if (entry.deed == Deed::kDefined) return;
  so_far_.stored.add(now - entry.due);
  try_match(token, of(entry.job));
}

void Book::on_answer(std::uint32_t client, std::uint32_t turn, std::uint64_t revision, bool final,
                     TimePoint when) {
  MutexLock lock(mutex_);
  Job& job = of({client, turn});
  const std::uint64_t newest = job.sightings.empty() ? 0 : job.sightings.back().revision;
  if (revision < newest) ++so_far_.backwards;
  if (final) job.final_seen = true;
  if (revision <= newest) return;
  job.sightings.push_back({.revision = revision, .when = when, .shared = false});
  for (std::uint32_t i = 0; i < job.event_count; ++i) try_match(job.events.at(i), job);
}

void Book::try_match(Token token, Job& job) {
  Entry& event = entries_[token];
  if (event.seen || event.revision == 0) return;
  const auto shown_by = std::ranges::lower_bound(job.sightings, event.revision, {},
                                                 [](const Sighting& s) { return s.revision; });
  if (shown_by == job.sightings.end()) return;
  event.seen = true;
  --unseen_;
  if (std::exchange(shown_by->shared, true)) ++so_far_.coalesced;
  so_far_.latency.add(shown_by->when - event.due);
  recent_.add(shown_by->when - event.due);
}

std::uint64_t Book::unseen() const {
  MutexLock lock(mutex_);
  return unseen_;
}

std::uint64_t Book::events() const {
  MutexLock lock(mutex_);
  return so_far_.events;
}

std::uint64_t Book::written() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

std::uint64_t Book::acknowledged() const {
  MutexLock lock(mutex_);
  return acknowledged_;
}

Quantiles Book::take_recent() {
  MutexLock lock(mutex_);
  return std::exchange(recent_, Quantiles());
}

Findings Book::findings() const {
  MutexLock lock(mutex_);
  Findings findings = so_far_;
  for (const Entry& entry : entries_) judge(entry, findings);
  return findings;
}

void Book::judge(const Entry& event, Findings& findings) const {
  if (event.deed == Deed::kDefined || event.seen) return;
  const bool unfollowed = event.rewritten && jobs_[event.job.client][event.job.turn].final_seen;
  ++(event.revision == 0 || unfollowed ? findings.lost_writes : findings.missed);
}

}  // namespace bench::load
