// server/net/unread_bytes.h: What clients have been answered and have not read: the memory that
// slow readers keep from being freed, by client, and no more of it than one may.
//
// What a client's connections share counts once for it: the same job in the same state, alone or in
// lists, however many of them are sent it.
//
// Thread safety: all methods may be called from any thread; they take one leaf mutex of several.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/base/mutex.h"
#include "core/job/snapshot.h"

namespace bide {

class UnreadBytes {
 public:
  // `bytes_max`: of one client, but for a single answer that is larger.
  explicit UnreadBytes(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // An answer, or a record of a stream, that was not read at once. `own_bytes`: of its own.
  // `shared`: what else it is made of; may be null. False: that is more than the client may leave
  // unread, and nothing was counted. Every true must be given back, with the same arguments.
  [[nodiscard]] bool try_add(std::uint64_t client, const Snapshot* shared, std::size_t own_bytes);
  void give_back(std::uint64_t client, const Snapshot* shared, std::size_t own_bytes);
  // The client has left so much unread that an answer of this size may not find room.
  [[nodiscard]] bool is_full(std::uint64_t client, std::size_t bytes);

  // Of one snapshot, without its items' own.
  [[nodiscard]] static std::size_t bytes_of(const Snapshot& snapshot);

  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Account {
    std::size_t bytes = 0;
    std::unordered_map<const Snapshot*, std::uint32_t> shared;  // And how often.
  };
  struct Shard {
    Mutex mutex;
    std::unordered_map<std::uint64_t, Account> accounts GUARDED_BY(mutex);  // That are not zero.
  };
  Shard& shard_of(std::uint64_t client) { return shards_[client >> 60U]; }
  // Of the snapshot and its items so many.
  static void unpin(Account& account, const Snapshot* shared, std::size_t first);
  void take_out(Shard& shard, std::uint64_t client, const Snapshot* shared, std::size_t own_bytes)
      REQUIRES(shard.mutex);

  const std::size_t bytes_max_;
  std::atomic<std::size_t> bytes_{0};
  std::array<Shard, 16> shards_;
};

}  // namespace bide
