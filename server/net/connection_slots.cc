#include "server/net/connection_slots.h"

#include <new>

namespace bide {

ConnectionSlots::~ConnectionSlots() {
  for (std::atomic<Connection*>& chunk : chunks_) delete[] chunk.load();
}

Connection* ConnectionSlots::acquire() {
  MutexLock lock(mutex_);
  try {
    if (free_.empty() && !add_chunk()) return nullptr;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  Connection& connection = at(free_.back());
  free_.pop_back();
  in_use_.fetch_add(1, std::memory_order_relaxed);
  return &connection;
}

bool ConnectionSlots::add_chunk() {
  const std::uint32_t first = end_.load(std::memory_order_relaxed);
  if (first == kPerChunk * kChunks) return false;
  // Room for all there are, so that release() never needs memory.
  free_.reserve(std::size_t{first} + kPerChunk);
  auto* const chunk = new Connection[kPerChunk];
  for (std::uint32_t i = 0; i < kPerChunk; ++i) chunk[i].index = first + i;
  chunks_[first / kPerChunk].store(chunk, std::memory_order_release);
  end_.store(first + kPerChunk, std::memory_order_release);
  for (std::uint32_t i = kPerChunk; i > 0; --i) free_.push_back(first + i - 1);
  return true;
}

void ConnectionSlots::release(Connection& connection) {
  MutexLock lock(mutex_);
  free_.push_back(connection.index);
  in_use_.fetch_sub(1, std::memory_order_relaxed);
}

ConnectionSlots::Census ConnectionSlots::census() const {
  Census census;
  for (std::uint32_t i = 0; i < end(); ++i) {
    const Connection::Standing standing = at(i).standing();
    if (standing == Connection::Standing::kParked) ++census.parked;
    if (standing > Connection::Standing::kParked) ++census.resting;
  }
  const std::size_t others = census.parked + census.resting;
  census.busy = in_use() > others ? in_use() - others : 0;
  return census;
}

}  // namespace bide
