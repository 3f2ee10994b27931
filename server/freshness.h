// server/freshness.h: Whether what is in the job table may be served as the present state.
//
// Thread safety: all methods may be called from any thread and never block.
#pragma once

#include <chrono>

#include "server/contact.h"

namespace bide {

class Freshness {
 public:
  // `max_stale`: once the last contact with NATS is older, jobs may have moved.
  Freshness(const Contact& contact, std::chrono::milliseconds max_stale)
      : contact_(contact), max_stale_(max_stale) {}

  // The first full read is done.
  [[nodiscard]] bool ready() const { return contact_.ready(); }
  [[nodiscard]] bool stale(TimePoint now) const { return now - contact_.last_heard() > max_stale_; }

 private:
  const Contact& contact_;
  const std::chrono::milliseconds max_stale_;
};

}  // namespace bide
