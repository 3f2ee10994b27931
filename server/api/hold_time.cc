#include "server/api/hold_time.h"

#include <algorithm>
#include <random>

namespace bide {
namespace {

// A wait is an upper bound: the answer leaves this much early, so that it arrives in time.
constexpr std::chrono::milliseconds kTravelTime{5};
// For the client to get a new token, and for clocks that differ.
constexpr std::chrono::seconds kTokenMargin{1};
constexpr double kSilenceJitter = 0.0625;

// A random number in [0, 1), for spread and not for secrecy.
double dice() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

using Milliseconds = std::chrono::duration<double, std::milli>;

TimePoint::duration whole(Milliseconds span) {
  return std::chrono::duration_cast<TimePoint::duration>(span);
}

}  // namespace

void HoldTime::grant(const HoldQuery& query, RequestFacts& facts) const {
  facts.max_stale = query.max_stale;
  if (!query.wait || query.wait->count() <= 0) return;
  const std::chrono::milliseconds wait = std::min(*query.wait, settings_.max_wait);
  facts.held = true;
  facts.clamped = wait < *query.wait;
  facts.preferred = query.preferred;
  facts.wait_ms = static_cast<std::uint32_t>(wait.count()) & RequestFacts::kWaitMsMax;
}

TimePoint HoldTime::deadline(RequestFacts& facts) const {
  const Milliseconds wait(facts.wait_ms);
  const auto early =
      wait * settings_.wait_jitter * dice() + std::min(wait / 16, Milliseconds(kTravelTime));
  const TimePoint deadline = facts.received + whole(wait - early);
  facts.by_token = facts.token_expires - kTokenMargin < deadline;
  return facts.by_token ? facts.token_expires - kTokenMargin : deadline;
}

TimePoint after(TimePoint now, std::chrono::milliseconds span) {
  return now + whole(span * (1.0 - kSilenceJitter * dice()));
}

}  // namespace bide
