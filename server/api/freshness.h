// server/api/freshness.h: Whether the content of the job table may be served as the current state.
//
// Thread safety: all methods may be called from any thread and never block.
#pragma once

#include <chrono>

#include "core/base/contact.h"
#include "core/table/catch_up.h"

namespace bide {

class Freshness {
 public:
  // `max_stale`: the table is stale() if the last contact with NATS is older.
  Freshness(const Contact& contact, std::chrono::milliseconds max_stale, CatchUp& catch_up)
      : contact_(contact), max_stale_(max_stale), catch_up_(catch_up) {}

  // The first full read is done.
  [[nodiscard]] bool ready() const { return contact_.ready(); }
  [[nodiscard]] bool stale(TimePoint now) const { return contact_.silence(now) > max_stale_; }
  // Here a request waits until the table has caught up with the stream.
  [[nodiscard]] CatchUp& catch_up() const { return catch_up_; }

 private:
  const Contact& contact_;
  const std::chrono::milliseconds max_stale_;
  CatchUp& catch_up_;
};

}  // namespace bide
