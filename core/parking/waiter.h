// core/parking/waiter.h: A parked request, as the job table sees it.
//
// A waiter is a record, not a thread: it is in the list of what it waits for and in a heap by due
// time, both intrusive, so that parking allocates nothing. The server's Exchange implements the
// virtual methods below.
//
// Lifetime: from park() until answer() begins or unpark() has returned, the queue may touch the
// waiter; its memory must stay valid that long. The memory may be reused for other waiters as long
// as it stays a Waiter (type-stable), because of the claim:
//
// The claim: exactly one of {a notifier, the thread that saw the client hang up} may take a parked
// request out of the queue. Each must win the claim first; the thread that loses does nothing.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/clock.h"
#include "core/job/condition.h"
#include "core/job/entity_tag.h"
#include "core/job/labels.h"
#include "core/job/snapshot.h"

namespace bide {

enum class Outcome : std::uint8_t {
  kNow,      // Answered without waiting.
  kChanged,  // The target changed (`until=change`).
  kDone,     // The condition holds, or never will (`until` anything else).
  kTimeout,  // The deadline passed.
  kShed,     // No room to park.
  kDrain,    // The server is shutting down.
  kGone,     // The job was deleted or expired while the request was parked.
  kAuth,     // The wait ended early, with the client's token.
};
[[nodiscard]] std::string_view word_of(Outcome outcome);

class Waiter {
 public:
  // Set by the request's owner before park(); read by the queue while parked.
  struct Terms {
    Condition condition;
    ValidatorList seen;
    TimePoint deadline{};
    // How many of the table's places it takes (ParkingPlaces). 0: the strands of a parked set,
    // which has taken its places itself.
    std::uint16_t places = 1;
    MediaType type = MediaType::kJson;
    // Whether a request for a job that does not exist is parked until it does. Otherwise it is not
    // parked.
    bool waits_for_job = false;
    bool patches = false;  // It follows the job with patches (core/job/patch.h).
  };

  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Called under the queue's mutex by park(). False: this is not the request of `ticket` any more,
  // because its client has hung up meanwhile. Must not block.
  [[nodiscard]] virtual bool present(std::uint64_t ticket) const noexcept = 0;
  // Called under the queue's mutex: takes the request for the notifier. False: another thread has
  // it, and the queue forgets the waiter. Must not block.
  [[nodiscard]] virtual bool try_claim() noexcept = 0;
  // Called under the queue's mutex, while present() or parked. Returns the number of the client
  // whose limits it counts for. Must not block.
  [[nodiscard]] virtual std::uint64_t client() const noexcept { return 0; }
  // The same: whether the client has sent the tag of a later state than that.
  [[nodiscard]] virtual bool has_seen_later_than(Epoch epoch, Revision revision) const noexcept {
    return terms.seen.later_than(epoch, revision);
  }
  // The same, on the feed: the selection of its jobs. Null: all jobs.
  [[nodiscard]] virtual const Selection* selection() const noexcept { return nullptr; }
  // Called without locks, by a notifier or a thread of the executor, once, after try_claim()
  // returned true. `snapshot` is null for kGone, for kTimeout and kDrain of a job that does not
  // exist, and for requests parked on the feed.
  virtual void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept = 0;
  // Called instead of answer() when there is no memory for one: the request ends without an answer.
  virtual void lose() noexcept = 0;

  Terms terms;
  // Set by the queue before answer(): when the news came that is answered (JobTable::apply).
  // TimePoint{}: there was no news (deadline, drain), or it was held back on purpose (settling, the
  // pages and statistics of the overview).
  TimePoint news_at{};

 protected:
  virtual ~Waiter() = default;

 private:
  friend class DueHeap;
  friend struct WaiterList;
  static constexpr std::uint32_t kNotParked = UINT32_MAX;
  // Guarded by the queue's mutex, as all below. Null: unlinked, or not parked.
  struct WaiterList* list_ = nullptr;
  Waiter* prev_ = nullptr;
  Waiter* next_ = nullptr;
  TimePoint due_{};                        // Deadline, or when to judge again if that is earlier.
  std::uint32_t heap_index_ = kNotParked;  // Place in the queue's DueHeap.
};

// The waiters for one thing, newest first. The thing they wait for derives from it.
//
// Thread safety: none; guarded by the queue's mutex.
struct WaiterList {
  Waiter* waiters = nullptr;

  void link(Waiter& waiter);
  static void unlink(Waiter& waiter);  // From whichever list it is in.
  // Null: not in a list.
  [[nodiscard]] static WaiterList* of(const Waiter& waiter) { return waiter.list_; }
  [[nodiscard]] static Waiter* next(const Waiter& waiter) { return waiter.next_; }
};

}  // namespace bide
