// server/api/freshness.h: Whether what is in the job table may be served as the present state.
//
// Thread safety: all methods may be called from any thread and never block.
#pragma once

#include <chrono>

#include "core/base/contact.h"
#include "core/table/catch_up.h"

namespace bide {

class Freshness {
 public:
  // `max_stale`: once the last contact with NATS is older, jobs may have moved.
  Freshness(const Contact& contact, std::chrono::milliseconds max_stale, CatchUp& catch_up)
      : contact_(contact), max_stale_(max_stale), catch_up_(catch_up) {}

  // The first full read is done.
  [[nodiscard]] bool ready() const { return contact_.ready(); }
  [[nodiscard]] bool stale(TimePoint now) const { return now - contact_.last_heard() > max_stale_; }
  // For who must know more than that: where to wait for it.
  [[nodiscard]] CatchUp& catch_up() const { return catch_up_; }

 private:
  const Contact& contact_;
  const std::chrono::milliseconds max_stale_;
  CatchUp& catch_up_;
};

}  // namespace bide
