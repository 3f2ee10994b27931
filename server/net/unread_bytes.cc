#include "server/net/unread_bytes.h"

#include <cstdint>
#include <new>

namespace bide {
namespace {

template <typename F>
void for_each_of(const Snapshot* shared, F&& visit) {
  if (shared == nullptr) return;
  visit(*shared);
  for (const auto& item : shared->items) visit(*item);
}

}  // namespace

std::size_t UnreadBytes::bytes_of(const Snapshot& snapshot) {
  return sizeof snapshot + snapshot.json.bytes.capacity() + snapshot.json_line.capacity() +
         snapshot.text.bytes.capacity() + snapshot.items.capacity() * sizeof snapshot.items.front();
}

bool UnreadBytes::try_add(std::uint64_t client, const Snapshot* shared, std::size_t own_bytes) {
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  Account& account = shard.accounts[client];
  const std::size_t before = account.bytes;
  std::size_t pinned = 0;
  try {
    for_each_of(shared, [&](const Snapshot& one) {
      if (account.shared[&one]++ == 0) account.bytes += bytes_of(one);
      ++pinned;
    });
  } catch (const std::bad_alloc&) {
    unpin(account, shared, pinned);
    if (account.bytes == 0 && account.shared.empty()) shard.accounts.erase(client);
    throw;
  }
  account.bytes += own_bytes;
  bytes_.fetch_add(account.bytes - before, std::memory_order_relaxed);
  if (before == 0 || account.bytes <= bytes_max_) return true;
  take_out(shard, client, shared, own_bytes);
  return false;
}

void UnreadBytes::give_back(std::uint64_t client, const Snapshot* shared, std::size_t own_bytes) {
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  take_out(shard, client, shared, own_bytes);
}

void UnreadBytes::take_out(Shard& shard, std::uint64_t client, const Snapshot* shared,
                           std::size_t own_bytes) {
  const auto found = shard.accounts.find(client);
  if (found == shard.accounts.end()) return;  // Nothing was counted.
  Account& account = found->second;
  const std::size_t before = account.bytes;
  account.bytes -= own_bytes;
  unpin(account, shared, SIZE_MAX);
  bytes_.fetch_sub(before - account.bytes, std::memory_order_relaxed);
  if (account.bytes == 0 && account.shared.empty()) shard.accounts.erase(found);
}

void UnreadBytes::unpin(Account& account, const Snapshot* shared, std::size_t first) {
  for_each_of(shared, [&](const Snapshot& one) {
    if (first == 0) return;
    --first;
    const auto pinned = account.shared.find(&one);
    if (--pinned->second > 0) return;
    account.shared.erase(pinned);
    account.bytes -= bytes_of(one);
  });
}

bool UnreadBytes::is_full(std::uint64_t client, std::size_t bytes) {
  Shard& shard = shard_of(client);
  MutexLock lock(shard.mutex);
  const auto found = shard.accounts.find(client);
  return found != shard.accounts.end() && found->second.bytes + bytes > bytes_max_;
}

}  // namespace bide
