// core/job/position.h: How far the job table has come: of which stream it shows the entries, and up
// to which revision.
//
// Everything up to that revision has been applied, or is known to leave nothing to apply: garbage,
// and entries that were gone before they were delivered.
//
// Thread safety: one thread moves it, any may read it; nothing blocks. Who reads a position and
// then takes a shard's lock sees at least the state of that position there; and who has seen a
// state under such a lock finds the position there too.
#pragma once

#include <atomic>
#include <cstdint>
#include <tuple>

#include "core/job/entity_tag.h"

namespace bide {

// One connection to NATS, from when it is made until it is lost. The next one may lead to another
// stream of the same name, for example where a server was started again with an older store. So a
// report that came over one connection says nothing of what was read over another.
using Link = std::uint64_t;

class Position {
 public:
  // In the order of time: a stream created later is later, whatever its revisions.
  struct Place {
    Epoch epoch = 0;
    Revision revision = 0;
    friend bool operator==(const Place&, const Place&) = default;
    friend bool operator>=(const Place& a, const Place& b) {
      return std::tie(a.epoch, a.revision) >= std::tie(b.epoch, b.revision);
    }
  };

  // A place read while restart() is at work may be earlier than either, never later.
  [[nodiscard]] Place get() const noexcept {
    const Epoch epoch = epoch_.load();
    return {epoch, revision_.load()};
  }
  [[nodiscard]] Epoch epoch() const noexcept { return epoch_.load(std::memory_order_acquire); }
  [[nodiscard]] Revision revision() const noexcept { return revision_.load(); }

  // Never goes back.
  void advance(Revision revision) noexcept {
    if (revision > revision_.load(std::memory_order_relaxed)) revision_.store(revision);
  }
  // The bucket was read afresh: anywhere.
  void restart(Epoch epoch, Revision revision) noexcept {
    if (epoch != epoch_.load(std::memory_order_relaxed)) revision_.store(0);
    epoch_.store(epoch);
    revision_.store(revision);
  }

 private:
  std::atomic<Epoch> epoch_{0};
  std::atomic<Revision> revision_{0};
};

}  // namespace bide
