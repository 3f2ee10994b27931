// core/parking/wait_queue.h: The requests parked on one part of the table, and the thread that
// answers them.
//
// The owner (a shard, the overview, catching up) keeps its state under the queue's mutex and says
// which requests are ready. The queue does everything else: it keeps them by due time, sleeps until
// there is work, takes them out, answers them without the mutex, drains, and stops.
//
// Structure. A parked waiter is in the queue's heap and in exactly one WaiterList of the owner's:
// the list of what it waits for. One thread, the notifier, sleeps until notify(), the earliest due
// time, or next_work() of the owner. Then it has the owner collect the requests that are ready, and
// answers them: answering does socket I/O, and nobody waits for the mutex meanwhile.
//
// Races. Parking judges the condition and links the waiter under one lock, so no change falls
// between. A notification is either seen by the collect() that follows or ends the sleep: state is
// changed under the mutex, and the notifier holds it from collect() to its sleep. Where the owner
// releases it in between, collect() says so and is called again. A hang-up against an answer is
// decided by Waiter::try_claim().
//
// Thread safety: as annotated. Methods without annotation may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/parking/drain_pace.h"
#include "core/parking/due_heap.h"
#include "core/parking/parking_places.h"
#include "core/parking/waiter.h"

namespace bide {

// A waiter that has been taken out and claimed, and its answer.
struct Ready {
  Waiter* waiter;
  Outcome outcome;
  std::shared_ptr<const Snapshot> snapshot;
};

// The waiters taken out in one pass. It must not be moved, because those in `lost` are linked to
// it.
struct Batch {
  std::vector<Ready> ready;
  WaiterList lost;  // Claimed as well. There was no memory for their answers.

  [[nodiscard]] bool empty() const { return ready.empty() && lost.waiters == nullptr; }
};

class WaitQueue {
 public:
  class Owner {
   public:
    // Both are called by the notifier, with the mutex held. Takes out the requests that are ready:
    // those whose condition holds, and those that are due (due_by()).
    // May release the mutex in between. True: there may be more to do at once.
    [[nodiscard]] virtual bool collect(TimePoint now, Batch& batch) = 0;
    // When there is work without notify() and before any waiter is due. kEndOfTime: never.
    [[nodiscard]] virtual TimePoint next_work(TimePoint now) const = 0;
    // Called with the mutex held: the waiter has left its list, whatever the reason.
    virtual void on_left(Waiter& /*waiter*/, WaiterList& /*list*/) {}

   protected:
    ~Owner() = default;
  };

  // Holds the mutex. If notify() was called meanwhile, the notifier is woken after the mutex has
  // been released: woken before, it would only wait for it.
  class SCOPED_CAPABILITY Lock {
   public:
    explicit Lock(WaitQueue& queue) ACQUIRE(queue.mutex) : queue_(queue) { queue.mutex.lock(); }
    ~Lock() RELEASE() { queue_.unlock_and_wake(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    WaitQueue& queue_;
  };

  enum class Answers : std::uint8_t {
    kShared,     // The notifier answers, and shares a large batch with the executor.
    kHandedOut,  // The executor answers all: one answer may take long, and must not delay the next.
  };
  // All must outlive the queue; `executor` may be null: the notifier answers alone.
  WaitQueue(Clock& clock, Executor* executor, ParkingPlaces& places, Owner& owner,
            Answers answers = Answers::kShared);
  ~WaitQueue();  // After stop(), if it was started.

  void start();  // Once, before requests are parked.

  // Guards the owner's state too.
  mutable Mutex mutex;

  // --- Parking ------------------------------------------------------------------------------

  // Allocates what the next try_park() needs. May throw std::bad_alloc; after it the next
  // try_park() does not.
  void make_room() REQUIRES(mutex) { due_.make_room(); }
  // Parks the waiter. False: there are fewer places left than its terms need. `due`: when to look
  // at it, at the latest its deadline.
  [[nodiscard]] bool try_park(Waiter& waiter, WaiterList& on, TimePoint due) REQUIRES(mutex);
  [[nodiscard]] bool is_parked(const Waiter& waiter) const REQUIRES(mutex) {
    return due_.holds(waiter);
  }
  // For the thread that saw the hang-up, after it has won the claim. If the notifier has tried to
  // claim the waiter meanwhile, it has taken it out itself.
  void unpark(Waiter& waiter) REQUIRES(mutex) {
    if (due_.holds(waiter)) remove(waiter);
  }

  // --- For the owner, when something has changed ----------------------------------------------

  // Has the notifier collect, as soon as the Lock is released.
  void notify() REQUIRES(mutex) { notify_due_ = true; }
  // The same at once, with the mutex held or without.
  void wake() { work_.notify_one(); }

  // --- For the owner, while it collects -------------------------------------------------------

  // The waiter that is due soonest, if that is by `limit`, or at any time while draining, as the
  // pace allows; null: there is none. It stays until it is taken out or given another due time.
  [[nodiscard]] Waiter* due_by(TimePoint limit) const REQUIRES(mutex);
  [[nodiscard]] TimePoint next_due() const REQUIRES(mutex) { return due_.next_due(); }
  void set_due(Waiter& waiter, TimePoint due) REQUIRES(mutex) { due_.change(waiter, due); }

  // Takes the waiter out to be answered, unless somebody else has claimed it. `news_at` as in
  // Waiter. Without memory for the answer it is lost.
  void take(Waiter& waiter, Outcome outcome, std::shared_ptr<const Snapshot> snapshot,
            TimePoint news_at, Batch& batch) REQUIRES(mutex);
  // Takes it out without an answer, because there is no memory for one.
  void lose(Waiter& waiter, Batch& batch) REQUIRES(mutex);
  // Takes it out. True: it is claimed, and the caller must have it answered.
  [[nodiscard]] bool take_out(Waiter& waiter) REQUIRES(mutex);

  // Answers the batch without the mutex, which is held again on return. Shares a large batch with
  // the executor. On return all were answered, or handed to the executor.
  void deliver(Batch& batch) REQUIRES(mutex);

  // --- The end --------------------------------------------------------------------------------

  // From now on the owner must not park (it asks draining()). All parked requests are answered with
  // kDrain: at this pace, or at once. May be called again, with another pace or none. The pace
  // must outlive the queue.
  void begin_drain(DrainPace* pace = nullptr) EXCLUDES(mutex);
  // Blocks until they have been answered.
  void finish_drain() EXCLUDES(mutex);
  [[nodiscard]] bool draining() const REQUIRES(mutex) { return draining_; }
  // Ends the notifier. Call it when nothing is parked any more.
  void stop() EXCLUDES(mutex);

 private:
  void run() EXCLUDES(mutex);
  void remove(Waiter& waiter) REQUIRES(mutex);
  void unlock_and_wake() RELEASE(mutex);

  Clock& clock_;
  Executor* const executor_;
  ParkingPlaces& places_;
  Owner& owner_;
  const Answers answers_;

  CondVar work_;     // For the notifier.
  CondVar drained_;  // Nothing is parked or being answered: for finish_drain().
  DueHeap due_ GUARDED_BY(mutex);
  // When the notifier wakes up at the latest, if it sleeps.
  TimePoint sleeps_until_ GUARDED_BY(mutex){};
  std::uint32_t working_ GUARDED_BY(mutex) = 0;  // Threads that may have waiters to answer.
  DrainPace* pace_ GUARDED_BY(mutex) = nullptr;  // Null: none.
  bool notify_due_ GUARDED_BY(mutex) = false;
  bool draining_ GUARDED_BY(mutex) = false;
  bool stopped_ GUARDED_BY(mutex) = false;

  std::thread notifier_;
};

}  // namespace bide
