// core/parking/waiter.h: A parked request, as the job table sees it.
//
// A waiter is a record, not a thread: it sits in the list of what it waits for and in a heap by due
// time, both intrusive, so that parking allocates nothing. Whoever embeds one (server's connection)
// implements the questions below.
//
// Lifetime: from park() until answer() begins or unpark() has returned, the lot may touch the
// waiter; its memory must stay valid that long. Memory that is reused for other waiters is fine as
// long as it stays a Waiter (type-stable), because of the claim:
//
// The claim: a parked request has one owner, and exactly one of {an attendant, the thread that saw
// the client hang up} may take it from the lot. Both must win try_claim() first; who loses does
// nothing.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/clock.h"
#include "core/job/condition.h"
#include "core/job/entity_tag.h"
#include "core/job/snapshot.h"

namespace bide {

enum class Outcome : std::uint8_t {
  kNow,      // Answered without waiting.
  kChanged,  // What is waited for changed (`until=change`).
  kDone,     // The condition holds, or never will (`until` anything else).
  kTimeout,  // The deadline passed.
  kShed,     // No room to park.
  kDrain,    // The server is shutting down.
  kGone,     // The job was deleted or expired while the request was parked.
  kAuth,     // The deadline was that of the client's permission to wait.
};
[[nodiscard]] std::string_view word_of(Outcome outcome);

class Waiter {
 public:
  // Set by the owner before park(); read by the lot while parked.
  struct Terms {
    Condition condition;
    ValidatorList seen;
    MediaType type = MediaType::kJson;
    TimePoint deadline{};
    // How many of the table's places it takes (ParkingPlaces). 0: the strands of a parked set,
    // which has taken its places itself.
    std::uint16_t places = 1;
  };

  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Called under the lot's mutex by park(): is this still the request that `ticket` stood for, or
  // has its client hung up meanwhile? Must not block.
  [[nodiscard]] virtual bool present(std::uint64_t ticket) const noexcept = 0;
  // Called under the lot's mutex: takes the request for the attendant. False: somebody else has
  // it, the lot forgets the waiter. Must not block.
  [[nodiscard]] virtual bool try_claim() noexcept = 0;
  // Asked under the lot's mutex, while present() or parked: a number for whom it counts. Must not
  // block.
  [[nodiscard]] virtual std::uint64_t client() const noexcept { return 0; }
  // Called without locks, by an attendant or a crew thread, once, after try_claim() said true.
  // `snapshot` is null for kGone, for kTimeout and kDrain of a job that does not exist, and for
  // those parked on the feed of changes.
  virtual void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept = 0;
  // Called instead of answer() when there is no memory for one: the request ends without an answer.
  virtual void lose() noexcept = 0;

  Terms terms;
  // Set by the lot before answer(): when the news came that it is answered for (JobTable::apply).
  // TimePoint{}: it is not answered for news (deadline, drain), or that was held back on purpose
  // (settling, the pages and statistics of the overview).
  TimePoint news_at{};

 protected:
  virtual ~Waiter() = default;

 private:
  friend class DueHeap;
  friend struct WaiterList;
  static constexpr std::uint32_t kNotParked = UINT32_MAX;
  // Guarded by the lot's mutex, as all below. Null: unlinked, or not parked.
  struct WaiterList* list_ = nullptr;
  Waiter* prev_ = nullptr;
  Waiter* next_ = nullptr;
  TimePoint due_{};                        // Deadline, or when to judge again if that is earlier.
  std::uint32_t heap_index_ = kNotParked;  // Place in the lot's DueHeap.
};

// Those who wait for one thing, newest first. What they wait for derives from it.
//
// Thread safety: none; guarded by the lot's mutex.
struct WaiterList {
  Waiter* waiters = nullptr;

  void link(Waiter& waiter);
  static void unlink(Waiter& waiter);  // From whichever list it is in.
  // Null: not in a list.
  [[nodiscard]] static WaiterList* of(const Waiter& waiter) { return waiter.list_; }
  [[nodiscard]] static Waiter* next(const Waiter& waiter) { return waiter.next_; }
};

}  // namespace bide
