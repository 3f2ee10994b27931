// core/waiter.h: A parked request, as the job table sees it.
//
// A waiter is a record, not a thread: it sits in its job's list and in its shard's deadline heap,
// both intrusive, so that parking allocates nothing. Whoever embeds one (server's connection)
// implements the three questions below.
//
// Lifetime: from park() until answer() begins or unpark() has returned, the table may touch the
// waiter; its memory must stay valid that long. Memory that is reused for other waiters is fine as
// long as it stays a Waiter (type-stable), because of the claim:
//
// The claim: a parked request has one owner, and exactly one of {an attendant, the thread that saw
// the client hang up} may take it from the lot. Both must win try_claim() first; who loses does
// nothing.
#pragma once

#include <cstdint>
#include <memory>

#include "core/clock.h"
#include "core/condition.h"
#include "core/entity_tag.h"
#include "core/snapshot.h"

namespace bide {

enum class Outcome : std::uint8_t {
  kNow,      // Answered without waiting.
  kChanged,  // The job changed (`until=change`).
  kDone,     // The condition holds, or never will (`until` anything else).
  kTimeout,  // The deadline passed.
  kShed,     // No room to park.
  kDrain,    // The server is shutting down.
  kGone,     // The job was deleted or expired while the request was parked.
};
[[nodiscard]] std::string_view word_of(Outcome outcome);

class Waiter {
 public:
  // Set by the owner before park(); read by the table while parked.
  struct Terms {
    Condition condition;
    ValidatorList seen;
    MediaType type = MediaType::kJson;
    TimePoint deadline{};
  };

  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Called under the shard's mutex by park(): is this still the request that `ticket` stood for, or
  // has its client hung up meanwhile? Must not block.
  [[nodiscard]] virtual bool present(std::uint64_t ticket) const noexcept = 0;
  // Called under the shard's mutex: takes the request for the attendant. False: somebody else has
  // it, the table forgets the waiter. Must not block.
  [[nodiscard]] virtual bool try_claim() noexcept = 0;
  // Called without locks, by an attendant or a crew thread, once, after try_claim() said true.
  // `snapshot` is null for kGone, and for kTimeout and kDrain of a job that does not exist.
  virtual void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept = 0;

  Terms terms;

 protected:
  virtual ~Waiter() = default;

 private:
  friend class Shard;
  friend class DueHeap;
  static constexpr std::uint32_t kNotParked = UINT32_MAX;
  struct Record* record_ =
      nullptr;  // The job it waits for. Guarded by the shard's mutex, as all below.
  Waiter* prev_ = nullptr;
  Waiter* next_ = nullptr;
  TimePoint due_{};                        // Deadline, or when to judge again if that is earlier.
  std::uint32_t heap_index_ = kNotParked;  // Place in the shard's DueHeap.
};

}  // namespace bide
