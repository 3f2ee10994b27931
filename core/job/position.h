// core/job/position.h: How far the job table has come: the stream whose entries it shows, and the
// revision up to which it has applied them.
//
// Up to that revision nothing is left to apply: the rest was garbage, or was gone before it could
// be delivered.
//
// Thread safety: one thread moves it, any thread may read it; nothing blocks. A thread that reads a
// position and then locks a shard sees at least that state in the shard. A thread that has seen a
// state in a locked shard then reads at least its position.
#pragma once

#include <atomic>
#include <cstdint>
#include <tuple>

#include "core/job/entity_tag.h"

namespace bide {

// Names one connection to NATS, from connecting to losing it. The next connection may lead to
// another stream of the same name, for example if a server was restarted with an older store. So a
// report over one connection says nothing about entries that were read over another.
using Link = std::uint64_t;

class Position {
 public:
  // Ordered by time: a stream that was created later is later, whatever its revisions.
  struct Place {
    Epoch epoch = 0;
    Revision revision = 0;
    friend bool operator==(const Place&, const Place&) = default;
    friend bool operator>=(const Place& a, const Place& b) {
      return std::tie(a.epoch, a.revision) >= std::tie(b.epoch, b.revision);
    }
  };

  // During restart() the result may be earlier than both the old and the new place, never later.
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
  // The bucket was read again. The new place may be anywhere.
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
