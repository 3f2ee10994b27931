#include "server/client_accounts.h"

#include <algorithm>

namespace bide {

bool ClientAccounts::take_place(std::uint64_t client) {
  if (limits_.places == 0) return true;
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  const auto [found, created] = shard.accounts.try_emplace(client);
  Account& account = found->second;
  if (created) account.credit = static_cast<double>(limits_.per_second);
  if (account.places >= limits_.places) return false;
  ++account.places;
  return true;
}

void ClientAccounts::give_back_place(std::uint64_t client) {
  if (limits_.places == 0) return;
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  const auto found = shard.accounts.find(client);
  if (found == shard.accounts.end()) return;
  if (--found->second.places == 0 && limits_.per_second == 0) shard.accounts.erase(found);
}

bool ClientAccounts::charge(std::uint64_t client, TimePoint now) {
  if (limits_.per_second == 0) return true;
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  if (shard.accounts.size() >= shard.sweep_at) sweep(shard, now);
  const auto [found, created] = shard.accounts.try_emplace(client);
  Account& account = found->second;
  account.credit = created ? static_cast<double>(limits_.per_second) : credit_at(account, now);
  account.counted = now;
  if (account.credit < 1) return false;
  account.credit -= 1;
  return true;
}

double ClientAccounts::credit_at(const Account& account, TimePoint now) const {
  const auto rate = static_cast<double>(limits_.per_second);
  const std::chrono::duration<double> since = now - account.counted;
  return std::min(rate, account.credit + rate * std::max(since.count(), 0.0));
}

void ClientAccounts::sweep(Shard& shard, TimePoint now) {
  std::erase_if(shard.accounts, [&](const auto& entry) {
    const Account& account = entry.second;
    return account.places == 0 &&
           credit_at(account, now) >= static_cast<double>(limits_.per_second);
  });
  shard.sweep_at = std::max<std::size_t>(1024, 2 * shard.accounts.size());
}

std::size_t ClientAccounts::size() const {
  std::size_t size = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    size += shard.accounts.size();
  }
  return size;
}

}  // namespace bide
