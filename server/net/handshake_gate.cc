#include "server/net/handshake_gate.h"

#include <new>

namespace bide {

HandshakeGate::Verdict HandshakeGate::enter(std::uint64_t client, std::uint64_t key) {
  MutexLock lock(mutex_);
  Client& found = clients_[client];
  if (inside_ < limits_.all && found.inside < limits_.per_client) {
    ++inside_;
    ++found.inside;
    return Verdict::kIn;
  }
  if (found.waiting.size() >= limits_.waiting_per_client) return Verdict::kTooMany;
  if (found.waiting.empty()) turns_.push_back(client);
  try {
    found.waiting.push_back(key);
  } catch (const std::bad_alloc&) {
    if (found.waiting.empty()) turns_.pop_back();
    throw;
  }
  return Verdict::kWaiting;
}

void HandshakeGate::leave(std::uint64_t client) {
  MutexLock lock(mutex_);
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  --inside_;
  --found->second.inside;
  if (found->second.inside == 0 && found->second.waiting.empty()) clients_.erase(found);
}

std::optional<std::uint64_t> HandshakeGate::next() {
  MutexLock lock(mutex_);
  if (inside_ >= limits_.all) return std::nullopt;
  // Clients that have as many inside as they may are passed over; there can only be few of them.
  for (std::size_t left = turns_.size(); left > 0; --left) {
    const auto found = clients_.find(turns_.front());
    Client& waits = found->second;
    turns_.splice(turns_.end(), turns_, turns_.begin());  // Needs no memory: close() must not fail.
    if (waits.inside >= limits_.per_client) continue;
    const std::uint64_t key = waits.waiting.front();
    waits.waiting.pop_front();
    if (!waits.waiting.empty()) return key;
    turns_.pop_back();
    if (waits.inside == 0) clients_.erase(found);
    return key;
  }
  return std::nullopt;
}

std::size_t HandshakeGate::room() const {
  MutexLock lock(mutex_);
  return limits_.all - inside_;
}

bool HandshakeGate::is_full() const {
  MutexLock lock(mutex_);
  return inside_ >= limits_.all && !turns_.empty();
}

}  // namespace bide
