#include "bench/load/book.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bench::load {

using bide::MutexLock;

Book::Book(const Audience& audience)
    : audience_(audience), jobs_(audience.clients), dashboards_(audience.dashboards) {}

std::optional<JobRef> Book::job_of(std::uint32_t client, std::uint32_t turn) const {
  if (turn > 0 && !(audience_.endless && client < audience_.clients)) return std::nullopt;
  return JobRef{.client = std::min(client, audience_.clients), .turn = turn};
}

std::span<const Token> Book::events_of(JobRef job) {
  if (is_broadcast(job)) return broadcast_events_;
  return std::span(of(job).events).first(of(job).event_count);
}

std::span<Book::Follower> Book::followers_of(JobRef job) {
  if (is_broadcast(job)) return dashboards_;
  return {&of(job).follower, 1};
}

Token Book::write(const Entry& entry) {
  MutexLock lock(mutex_);
  const Token token = entries_.size();
  entries_.push_back(entry);
  const bool broadcast = is_broadcast(entry.job);
  if (entry.deed == Deed::kDefined) {
    // An answer each for the definition and the events: room for them now, not while measuring.
    if (!broadcast) {
      jobs_[entry.job.client].emplace_back().follower.sightings.reserve(1 + kEventsPerJob);
    }
    return token;
  }
  if (broadcast) {
    broadcast_events_.push_back(token);
  } else {
    Job& changed = of(entry.job);
    changed.events.at(changed.event_count++) = token;
  }
  Tally& tally = tally_of(entry.job);
  ++tally.findings.events;
  tally.unseen += followers_of(entry.job).size();
  return token;
}

Book::Entry Book::entry(Token token) const {
  MutexLock lock(mutex_);
  return entries_[token];
}

std::vector<Token> Book::rewrite(Token token) {
  MutexLock lock(mutex_);
  std::vector<Token> again = {token};
  const Entry& first = entries_[token];
  if (first.deed != Deed::kDefined) {
    for (const Token later : events_of(first.job)) {
      if (later > token && entries_[later].agent == first.agent) again.push_back(later);
    }
  }
  for (const Token one : again) entries_[one].rewritten = true;
  return again;
}

void Book::on_stored(Token token, std::uint64_t revision) {
  const TimePoint now = std::chrono::steady_clock::now();
  MutexLock lock(mutex_);
  Entry& entry = entries_[token];
  if (revision == 0 || entry.revision != 0) return;
  entry.revision = revision;
  ++acknowledged_;
  if (entry.deed == Deed::kDefined) return;
  tally_of(entry.job).findings.stored.add(now - entry.due);
  for (Follower& follower : followers_of(entry.job)) {
    const auto shown_by =
        std::ranges::lower_bound(follower.sightings, revision, {}, &Sighting::revision);
    if (shown_by != follower.sightings.end()) {
      show(entry, *shown_by);
    } else if (follower.left && entry.rewritten) {
      count_unfollowed(entry);
    }
  }
}

void Book::on_answer(std::uint32_t client, std::uint32_t turn, std::uint64_t revision, bool final,
                     TimePoint when) {
  const JobRef job = {.client = std::min(client, audience_.clients), .turn = turn};
  MutexLock lock(mutex_);
  Findings& findings = tally_of(job).findings;
  Follower& follower =
      is_broadcast(job) ? dashboards_[client - audience_.clients] : of(job).follower;
  const std::uint64_t before = follower.newest();
  if (revision < before) ++findings.backwards;
  if (revision > before) {
    ++findings.news;
    follower.sightings.push_back({.revision = revision, .when = when, .shared = false});
    for (const Token token : events_of(job)) {
      Entry& event = entries_[token];
      if (event.revision > before && event.revision <= revision) {
        show(event, follower.sightings.back());
      }
    }
  }
  if (!final || std::exchange(follower.left, true)) return;
  for (const Token token : events_of(job)) {
    const Entry& event = entries_[token];
    if (event.rewritten && event.revision > follower.newest()) count_unfollowed(event);
  }
}

void Book::show(Entry& event, Sighting& sighting) {
  Tally& tally = tally_of(event.job);
  --tally.unseen;
  if (std::exchange(sighting.shared, true)) ++tally.findings.coalesced;
  const auto latency = sighting.when - event.due;
  tally.findings.latency.add(latency);
  if (event.deed == Deed::kCompleted) tally.findings.finish.add(latency);
  recent_.add(latency);
  ++event.told;
  event.last_told = std::max(event.last_told, sighting.when);
}

void Book::count_unfollowed(const Entry& event) {
  Tally& tally = tally_of(event.job);
  --tally.unseen;
  ++tally.findings.unfollowed;
}

std::uint64_t Book::unseen() const {
  MutexLock lock(mutex_);
  return tallies_[kClients].unseen + tallies_[kDashboards].unseen;
}

std::uint64_t Book::events() const {
  MutexLock lock(mutex_);
  return tallies_[kClients].findings.events + tallies_[kDashboards].findings.events;
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

Findings Book::findings(Crowd crowd) const {
  MutexLock lock(mutex_);
  Findings findings = tallies_.at(crowd).findings;
  findings.missed = tallies_.at(crowd).unseen;
  const std::uint32_t followers = crowd == kDashboards ? audience_.dashboards : 1;
  for (const Entry& event : entries_) {
    if (event.deed == Deed::kDefined || is_broadcast(event.job) != (crowd == kDashboards)) continue;
    if (event.revision == 0) {
      ++findings.never_stored;
      findings.missed -= followers;
    } else if (event.told == followers) {
      findings.told.push_back({event.due, event.last_told});
    }
  }
  return findings;
}

}  // namespace bench::load
