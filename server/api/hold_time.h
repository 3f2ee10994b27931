// server/api/hold_time.h: How long a request is held, or a stream is silent.
//
// Thread safety: immutable; all methods may be called from any thread.
#pragma once

#include <chrono>

#include "core/base/clock.h"
#include "server/api/hold_query.h"
#include "server/net/request_facts.h"

namespace bide {

class HoldTime {
 public:
  struct Settings {
    std::chrono::milliseconds max_wait{55'000};
    // Share of the wait by which an answer may come early, at random, so that clients parked
    // together do not come back together. 0..0.5.
    double wait_jitter = 0.0625;
  };
  explicit HoldTime(const Settings& settings) : settings_(settings) {}

  // Sets the granted wait in `facts`: zero if the request asked for none or zero, else at most
  // max_wait.
  void grant(const HoldQuery& query, RequestFacts& facts) const;
  // When a request with a granted wait is answered at the latest: not after the wait is over, and a
  // second before its token expires (then facts.by_token is set).
  [[nodiscard]] TimePoint deadline(RequestFacts& facts) const;

 private:
  const Settings settings_;
};

// `now` and `span`, or up to a sixteenth of the span earlier, at random.
[[nodiscard]] TimePoint after(TimePoint now, std::chrono::milliseconds span);

}  // namespace bide
