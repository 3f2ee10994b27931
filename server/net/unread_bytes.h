// server/net/unread_bytes.h: Counts and limits, for each client, the memory of answers that it has
// not read and so keeps from being freed.
//
// A snapshot counts once for a client, however many of its connections are sent it, alone or in
// lists.
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
  // `bytes_max`: for one client. A single answer may be larger.
  explicit UnreadBytes(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Counts an answer, or a record of a stream, that was not read at once. `own_bytes`: its own
  // memory. `shared`: the snapshot in it; may be null. False: over the client's limit, and nothing
  // was counted. Every true must be given back, with the same arguments.
  [[nodiscard]] bool try_add(std::uint64_t client, const Snapshot* shared, std::size_t own_bytes);
  void give_back(std::uint64_t client, const Snapshot* shared, std::size_t own_bytes);
  // Whether an answer of this size might exceed the client's limit.
  [[nodiscard]] bool is_full(std::uint64_t client, std::size_t bytes);

  // The memory of one snapshot, without its items.
  [[nodiscard]] static std::size_t bytes_of(const Snapshot& snapshot);

  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Account {
    std::size_t bytes = 0;
    std::unordered_map<const Snapshot*, std::uint32_t> shared;  // With their uses.
  };
  struct Shard {
    Mutex mutex;
    std::unordered_map<std::uint64_t, Account> accounts GUARDED_BY(mutex);  // Without empty ones.
  };
  Shard& shard_of(std::uint64_t client) { return shards_[client >> 60U]; }
  // Undoes the counting of `first` snapshots: `shared` and its first items.
  static void unpin(Account& account, const Snapshot* shared, std::size_t first);
  void take_out(Shard& shard, std::uint64_t client, const Snapshot* shared, std::size_t own_bytes)
      REQUIRES(shard.mutex);

  const std::size_t bytes_max_;
  std::atomic<std::size_t> bytes_{0};
  std::array<Shard, 16> shards_;
};

}  // namespace bide
