#include "server/net/client_accounts.h"

#include <algorithm>

namespace bide {

std::size_t ClientAccounts::limit_of(Share share) const {
  switch (share) {
    case Share::kPlaces:
      return limits_.places;
    case Share::kConnections:
      return limits_.connections;
    case Share::kKept:
      return limits_.kept_kib;
  }
  return 0;
}

bool ClientAccounts::take(Share share, std::uint64_t client, std::size_t amount) {
  const std::size_t limit = limit_of(share);
  if (limit == 0) return true;
  if (amount > limit) return false;
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  // A client that has nothing yet is within the limit: no account is made in vain.
  std::size_t& taken = shard.accounts[client][static_cast<std::size_t>(share)];
  if (taken > limit - amount) return false;
  taken += amount;
  return true;
}

void ClientAccounts::give_back(Share share, std::uint64_t client, std::size_t amount) {
  if (limit_of(share) == 0) return;
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  const auto found = shard.accounts.find(client);
  if (found == shard.accounts.end()) return;
  Account& taken = found->second;
  taken[static_cast<std::size_t>(share)] -= amount;
  if (std::all_of(taken.begin(), taken.end(), [](std::size_t one) { return one == 0; })) {
    shard.accounts.erase(found);
  }
}

std::size_t ClientAccounts::size() const {
  std::size_t size = requests_.size();
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    size += shard.accounts.size();
  }
  return size;
}

}  // namespace bide
