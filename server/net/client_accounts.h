// server/net/client_accounts.h: How much each client has taken of what all clients share.
//
// A client is a number: that of its token's subject, or of its address if there are no tokens.
// Connections and incomplete input always count for the address. An account is kept only while its
// client has taken something or was busy within the last second.
//
// Thread safety: all methods may be called from any thread; they take one leaf mutex of several for
// a lookup.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/net/client_rates.h"

namespace bide {

class ClientAccounts {
 public:
  // What clients share. To add one: a line here, one in Limits, one in limit_of(), and the number
  // below.
  enum class Share : std::uint8_t {
    kPlaces,       // Held requests and streams: one each; a set takes one for each id.
    kConnections,  // Open connections.
    kKept,         // KiB of incomplete requests, TLS records and messages.
  };
  static constexpr std::size_t kShares = 3;

  // For one client at a time. 0: no limit.
  struct Limits {
    std::size_t places = 0;
    std::size_t connections = 0;
    std::size_t kept_kib = 16'384;
    std::size_t per_second = 0;  // Requests; as many may come at once.
  };
  explicit ClientAccounts(const Limits& limits)
      : limits_(limits), requests_({.count = limits.per_second}) {}

  [[nodiscard]] const Limits& limits() const { return limits_; }

  // False: the client would be over its limit, and nothing was taken. The caller gives back what it
  // took, at once or in parts.
  [[nodiscard]] bool take(Share share, std::uint64_t client, std::size_t amount = 1);
  void give_back(Share share, std::uint64_t client, std::size_t amount = 1);

  // Counts one request. False: too many within this second.
  [[nodiscard]] bool charge(std::uint64_t client, TimePoint now) {
    return requests_.charge(client, now);
  }

  [[nodiscard]] std::size_t size() const;  // Accounts kept.

 private:
  using Account = std::array<std::size_t, kShares>;  // What it has taken of each.
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<std::uint64_t, Account> accounts GUARDED_BY(mutex);
  };

  Shard& shard_of(std::uint64_t client) { return shards_[client >> 60U]; }
  [[nodiscard]] std::size_t limit_of(Share share) const;

  const Limits limits_;
  ClientRates requests_;
  std::array<Shard, 16> shards_;
};

}  // namespace bide
