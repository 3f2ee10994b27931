// server/net/client_rates.h: Limits how often each client may do something: `count` times within a
// period, all at once if it likes.
//
// A client is a number, as in server/net/client_accounts.h. Only clients that were busy within the
// last period are remembered, and at most kClientsMax of them: if more come, earlier ones are
// forgotten and have their full credit again.
//
// Thread safety: all methods may be called from any thread; they take one leaf mutex of several for
// a lookup.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace bide {

class ClientRates {
 public:
  static constexpr std::size_t kClientsMax = 65'536;

  struct Limit {
    std::size_t count = 0;  // 0: no limit.
    std::chrono::seconds per{1};
  };
  explicit ClientRates(const Limit& limit) : limit_(limit) {}

  // Counts one more. False: the client has had as many as it may, and this one is not counted.
  [[nodiscard]] bool charge(std::uint64_t client, TimePoint now);
  // Whether charge() would say true.
  [[nodiscard]] bool has_credit(std::uint64_t client, TimePoint now) const;
  // How long a client without credit has to wait for the next one.
  [[nodiscard]] std::chrono::seconds pause() const;

  [[nodiscard]] std::size_t size() const;  // Clients remembered.

 private:
  static constexpr std::size_t kShards = 16;
  // The credit grows by `count` within `per`, up to `count`; a new one is full.
  struct Credit {
    double left = 0;
    TimePoint counted{};
  };
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<std::uint64_t, Credit> credits GUARDED_BY(mutex);
    std::size_t sweep_at GUARDED_BY(mutex) = 1024;
  };

  [[nodiscard]] const Shard& shard_of(std::uint64_t client) const { return shards_[client >> 60U]; }
  Shard& shard_of(std::uint64_t client) { return shards_[client >> 60U]; }
  // Forgets clients that have their whole credit again; all, if that does not make enough room.
  void sweep(Shard& shard, TimePoint now) REQUIRES(shard.mutex);
  [[nodiscard]] double credit_at(const Credit& credit, TimePoint now) const;

  const Limit limit_;
  std::array<Shard, kShards> shards_;
};

}  // namespace bide
