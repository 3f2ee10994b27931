// server/net/connection_slots.h: Where connections live: numbered slots that are reused, never
// freed.
//
// Reuse for the same type only (type-stable memory) is what makes a late event harmless; see
// server/net/connection.h. The memory of a burst stays with the process: about 400 bytes a
// connection.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "server/net/connection.h"

namespace bide {

class ConnectionSlots {
 public:
  static constexpr std::uint32_t kPerChunk = 256;
  static constexpr std::uint32_t kChunks = 4096;

  ~ConnectionSlots();

  // A connection owned by the caller, or null when kPerChunk * kChunks are in use or there is no
  // memory for more.
  [[nodiscard]] Connection* acquire();
  // The caller owns the connection and has put it back into its initial state.
  void release(Connection& connection);

  // `index`: of a connection that acquire() has returned before.
  [[nodiscard]] Connection& at(std::uint32_t index) const {
    return chunks_[index / kPerChunk].load(std::memory_order_acquire)[index % kPerChunk];
  }
  // Every slot ever handed out has an index below this.
  [[nodiscard]] std::uint32_t end() const { return end_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  struct Census {
    std::size_t parked = 0;
    std::size_t resting =
        0;                 // In epoll: idle, in the middle of a request, slow to read, lingering.
    std::size_t busy = 0;  // Owned by a thread.
  };
  // Looks at every slot ever handed out, some nanoseconds each. Other threads go on meanwhile.
  [[nodiscard]] Census census() const;

 private:
  [[nodiscard]] bool add_chunk() REQUIRES(mutex_);  // False: all are in use.

  std::array<std::atomic<Connection*>, kChunks> chunks_{};
  std::atomic<std::uint32_t> end_{0};
  std::atomic<std::size_t> in_use_{0};
  Mutex mutex_;
  std::vector<std::uint32_t> free_ GUARDED_BY(mutex_);  // Last released, first reused: it is warm.
};

}  // namespace bide
