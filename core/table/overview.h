// core/table/overview.h: What is made of all jobs: statistics, pages of the list, and the feed of
// changes; and the requests parked on these.
//
// Shards tell of every change; that moves places in the listing and sets a flag, and nothing is
// rendered there. Who asks renders for himself. Who waits is served by one attendant: pages at
// ticks, at most one every `stats_interval`, each rendered once for all, and so many in one tick;
// the feed at once. How, and
// why nobody gets an older state than he has seen: core/table/overview_attendant.cc.
//
// Keys: kStatisticsKey, kFeedKey, PageQuery::key(). Conditions are `change`, whatever the terms
// say.
//
// Locks. A shard's mutex may be held when the overview's is taken, never the other way round: ids
// are copied under the overview's, and the jobs asked for without it.
//
// Thread safety: all methods may be called from any thread, but begin_install() and install() from
// that of JobTable::install().
#pragma once

#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "core/parking/due_heap.h"
#include "core/parking/hand_out.h"
#include "core/table/draft.h"
#include "core/table/held_page.h"

namespace bide {

class Overview final : public Lot {
 public:
  static constexpr std::string_view kStatisticsKey = "status";
  static constexpr std::string_view kFeedKey = "events";

  explicit Overview(JobTable& table);
  ~Overview() override;  // After stop().

  // The state as it is. No snapshot: the key is none of ours, or the feed's (look at the verdict).
  [[nodiscard]] Look look(std::string_view key, const Waiter::Terms& terms, TimePoint now) override;
  // Answers kChanged, kTimeout or kDrain. On the feed `terms.seen` holds one tag, the cursor, and
  // there are no snapshots: ask changes_after(). kFull: parked_max, or HeldPages::kPagesMax; then
  // also kShed for who is parked on a page. kTooMany: HeldPages::kPagesPerClient.
  [[nodiscard]] Parked park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                            TimePoint now, Look& look) override;
  void unpark(std::string_view key, Waiter& waiter) override;

  // The newest state of each job whose latest change is behind `cursor`, by revision: at most
  // `jobs_max` of them, and `bytes_max` of JSON but for the first. The last one's tag is the next
  // cursor: whatever is left out has a higher revision. A cursor of another epoch counts as 0.
  // Deletions do not show. Nothing comes while a read of the bucket is being installed.
  using Snapshots = std::vector<std::shared_ptr<const Snapshot>>;
  [[nodiscard]] Snapshots changes_after(const EntityTag& cursor, std::size_t jobs_max,
                                        std::size_t bytes_max);
  // The cursor of somebody who wants only what comes. Its hash means nothing.
  [[nodiscard]] EntityTag feed_position() const;

  // For the shards: a job changed, see Listing::replace(). Called with the shard's mutex held.
  // `delivered` as in JobTable::apply().
  // True: the caller calls wake(), best after releasing that.
  [[nodiscard]] bool update(const std::optional<Listed>& before, const std::optional<Listed>& after,
                            Revision revision, TimePoint delivered);
  void wake() { news_.notify_one(); }

  // Between these the shards replace their jobs one after the other: no ticks, no feed. `listing`
  // is swapped for what was listed before, to be freed by the caller.
  void begin_install();
  void install(Listing& listing);

  void begin_drain();   // Parks no more; the attendant answers all with kDrain.
  void finish_drain();  // Blocks until it has; bounded by the answers' own time.
  void stop();          // Ends the attendant, which asks the shards for jobs: before those end.

 private:
  using Query = std::optional<PageQuery>;  // nullopt: the statistics.
  struct Rendering {
    std::shared_ptr<const Snapshot> snapshot;
    std::uint64_t version = 0;  // The listing's when it was begun; jobs may be newer.
  };
  struct Pass;

  [[nodiscard]] Rendering render_page(std::string_view key, const Query& query) EXCLUDES(mutex_);
  [[nodiscard]] bool has_news(const Waiter::Terms& terms) const REQUIRES(mutex_);
  [[nodiscard]] Parked park_on_feed(Waiter& waiter) REQUIRES(mutex_);
  // nullopt: it is to be judged.
  [[nodiscard]] std::optional<Parked> park_unjudged(std::string_view key, Waiter& waiter,
                                                    TimePoint now) REQUIRES(mutex_);
  [[nodiscard]] Parked park_judged(std::string_view key, const Query& query, Waiter& waiter,
                                   const Rendering& fresh, TimePoint now) REQUIRES(mutex_);
  // kParked, kFull or kTooMany.
  [[nodiscard]] Parked admit(HeldPage::Queue& queue, Waiter& waiter) REQUIRES(mutex_);
  void forget(Waiter& waiter) REQUIRES(mutex_);

  // The attendant's side (core/table/overview_attendant.cc).
  void attend() EXCLUDES(mutex_);
  void begin_pass(TimePoint now, Pass& pass) REQUIRES(mutex_);
  void begin_tick(TimePoint now, Pass& pass) REQUIRES(mutex_);
  void take_feed(Pass& pass) REQUIRES(mutex_);
  void take_due(TimePoint now, Pass& pass) REQUIRES(mutex_);
  void lose(Waiter& waiter, Batch& batch) REQUIRES(mutex_);
  void take_shed(Pass& pass) REQUIRES(mutex_);
  void take_for_rendering(Waiter& waiter, Outcome outcome, Pass& pass) REQUIRES(mutex_);
  void take_changed(Pass& pass) REQUIRES(mutex_);
  void take(Waiter& waiter, Outcome outcome, std::shared_ptr<const Snapshot> snapshot,
            TimePoint news_at, Batch& batch) REQUIRES(mutex_);
  [[nodiscard]] TimePoint next_wake() const REQUIRES(mutex_);

  JobTable& table_;
  const std::chrono::nanoseconds interval_;

  mutable Mutex mutex_;
  CondVar news_;     // For the attendant.
  CondVar drained_;  // The attendant has nothing left: for finish_drain().
  Listing listing_ GUARDED_BY(mutex_);
  HeldPages pages_ GUARDED_BY(mutex_);
  HeldPage::Queue feed_ GUARDED_BY(mutex_);
  DueHeap due_ GUARDED_BY(mutex_);
  std::size_t paged_ GUARDED_BY(mutex_) = 0;       // Waiters on pages.
  std::uint64_t installs_ GUARDED_BY(mutex_) = 0;  // Begun.
  TimePoint last_tick_ GUARDED_BY(mutex_){};
  std::uint64_t ticks_ GUARDED_BY(mutex_) = 0;
  bool tick_due_ GUARDED_BY(mutex_) = false;  // At last_tick_ + interval_.
  bool shed_due_ GUARDED_BY(mutex_) = false;  // Some page is to be shed.
  bool feed_due_ GUARDED_BY(mutex_) = false;
  TimePoint feed_due_since_ GUARDED_BY(mutex_){};
  bool news_due_ GUARDED_BY(mutex_) = false;  // The attendant is to be notified on unlocking.
  bool installing_ GUARDED_BY(mutex_) = false;
  bool working_ GUARDED_BY(mutex_) = false;  // The attendant is rendering or answering.
  bool draining_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;

  std::thread attendant_;
};

}  // namespace bide
