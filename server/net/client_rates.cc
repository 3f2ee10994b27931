#include "server/net/client_rates.h"

#include <algorithm>

namespace bide {

bool ClientRates::charge(std::uint64_t client, TimePoint now) {
  if (limit_.count == 0) return true;
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  if (shard.credits.size() >= shard.sweep_at) sweep(shard, now);
  const auto [found, created] = shard.credits.try_emplace(client);
  Credit& credit = found->second;
  credit.left = created ? static_cast<double>(limit_.count) : credit_at(credit, now);
  credit.counted = now;
  if (credit.left < 1) return false;
  credit.left -= 1;
  return true;
}

bool ClientRates::has_credit(std::uint64_t client, TimePoint now) const {
  if (limit_.count == 0) return true;
  const Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  const auto found = shard.credits.find(client);
  return found == shard.credits.end() || credit_at(found->second, now) >= 1;
}

std::chrono::seconds ClientRates::pause() const {
  const auto count = static_cast<std::chrono::seconds::rep>(std::max<std::size_t>(limit_.count, 1));
  return std::max(std::chrono::seconds(1), limit_.per / count);
}

double ClientRates::credit_at(const Credit& credit, TimePoint now) const {
  const auto most = static_cast<double>(limit_.count);
  const std::chrono::duration<double> since = now - credit.counted;
  const std::chrono::duration<double> per = limit_.per;
  return std::min(most, credit.left + most * std::max(since.count(), 0.0) / per.count());
}

void ClientRates::sweep(Shard& shard, TimePoint now) {
  const auto most = static_cast<double>(limit_.count);
  std::erase_if(shard.credits,
                [&](const auto& entry) { return credit_at(entry.second, now) >= most; });
  constexpr std::size_t kMost = kClientsMax / kShards;
  if (shard.credits.size() > kMost / 2) shard.credits.clear();
  shard.sweep_at = std::clamp<std::size_t>(2 * shard.credits.size(), 1024, kMost);
}

std::size_t ClientRates::size() const {
  std::size_t size = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    size += shard.credits.size();
  }
  return size;
}

}  // namespace bide
