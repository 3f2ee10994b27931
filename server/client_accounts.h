// server/client_accounts.h: What one client has taken of what there is for all: places to be held
// in, and requests in a second.
//
// A client is a number: of its token's subject, or of its address where nobody presents tokens.
// Kept are only those who hold a place or were busy within the last second or so.
//
// Thread safety: all methods may be called from any thread; they take one leaf mutex of several for
// a lookup.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/clock.h"
#include "core/mutex.h"

namespace bide {

class ClientAccounts {
 public:
  struct Limits {
    std::size_t places = 0;      // Requests and streams held at a time; 0: no limit.
    std::size_t per_second = 0;  // Requests, and as many more in a burst; 0: no limit.
  };
  explicit ClientAccounts(const Limits& limits) : limits_(limits) {}

  [[nodiscard]] const Limits& limits() const { return limits_; }

  // False: it has all that one may have. Every true must be given back.
  [[nodiscard]] bool take_place(std::uint64_t client);
  void give_back_place(std::uint64_t client);

  // Counts one request. False: too many within this second.
  [[nodiscard]] bool charge(std::uint64_t client, TimePoint now);

  [[nodiscard]] std::size_t size() const;  // Accounts kept.

 private:
  // The bucket fills at per_second up to per_second; a new one is full.
  struct Account {
    std::size_t places = 0;
    double credit = 0;
    TimePoint counted{};
  };
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<std::uint64_t, Account> accounts GUARDED_BY(mutex);
    std::size_t sweep_at GUARDED_BY(mutex) = 1024;
  };

  Shard& shard_of(std::uint64_t client) { return shards_[client >> 60U]; }
  // Drops those who hold nothing and have their whole credit again.
  void sweep(Shard& shard, TimePoint now) REQUIRES(shard.mutex);
  [[nodiscard]] double credit_at(const Account& account, TimePoint now) const;

  const Limits limits_;
  std::array<Shard, 16> shards_;
};

}  // namespace bide
