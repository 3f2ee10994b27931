// core/table/overview.h: The views over all jobs (statistics, pages of the list, the feed of
// changes), and the requests parked on them.
//
// Shards report every change; that moves places in the listing and sets a flag, and nothing is
// rendered there. A request that is answered at once renders its page itself. Parked requests are
// served by the notifier: pages at ticks, at most one every `stats_interval`, each rendered once
// for all who wait for it, and a bounded number in one tick; the feed at once. How this works, and
// why no client gets an older state than it has seen: core/table/overview_waiting.cc.
//
// Keys: kStatisticsKey, kFeedKey, PageQuery::key(). Conditions are `change`, whatever the terms
// say.
//
// Locks. The overview's mutex may be taken while a shard's is held, never the other way round: ids
// are copied under the overview's, and the jobs looked up without it.
//
// Thread safety: all methods may be called from any thread, but begin_install() and install() from
// that of JobTable::install().
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/base/mutex.h"
#include "core/parking/wait_queue.h"
#include "core/table/draft.h"
#include "core/table/held_page.h"

namespace bide {

class Overview final : public Lot, private WaitQueue::Owner {
 public:
  static constexpr std::string_view kStatisticsKey = "status";
  static constexpr std::string_view kFeedKey = "events";

  explicit Overview(JobTable& table);
  ~Overview() override = default;  // After stop().

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
  void update(const std::optional<Listed>& before, const std::optional<Listed>& after,
              Revision revision, TimePoint delivered);

  // Between these the shards replace their jobs one after the other: no ticks, no feed. `listing`
  // is swapped for what was listed before, to be freed by the caller.
  void begin_install();
  void install(Listing& listing);

  void begin_drain() { queue_.begin_drain(); }  // See WaitQueue.
  void finish_drain() { queue_.finish_drain(); }
  void stop() { queue_.stop(); }  // Before the shards end: rendering asks them for jobs.

 private:
  using Query = std::optional<PageQuery>;  // nullopt: the statistics.
  struct Rendering {
    std::shared_ptr<const Snapshot> snapshot;
    std::uint64_t version = 0;  // The listing's when it was begun; jobs may be newer.
  };
  struct Pass;

  [[nodiscard]] Rendering render_page(std::string_view key, const Query& query)
      EXCLUDES(queue_.mutex);
  [[nodiscard]] bool has_news(const Waiter::Terms& terms) const REQUIRES(queue_.mutex);
  [[nodiscard]] Parked park_on_feed(Waiter& waiter) REQUIRES(queue_.mutex);
  // nullopt: it is to be judged.
  [[nodiscard]] std::optional<Parked> park_unjudged(std::string_view key, Waiter& waiter,
                                                    TimePoint now) REQUIRES(queue_.mutex);
  [[nodiscard]] Parked park_judged(std::string_view key, const Query& query, Waiter& waiter,
                                   const Rendering& fresh, TimePoint now) REQUIRES(queue_.mutex);
  // kParked, kFull or kTooMany.
  [[nodiscard]] Parked admit(HeldPage::Waiters& queue, Waiter& waiter) REQUIRES(queue_.mutex);

  // What the notifier does (core/table/overview_waiting.cc). collect() releases the mutex while it
  // renders.
  [[nodiscard]] bool collect(TimePoint now, Batch& batch) override REQUIRES(queue_.mutex);
  [[nodiscard]] TimePoint next_work(TimePoint now) const override REQUIRES(queue_.mutex);
  void on_left(Waiter& waiter, WaiterList& list) override REQUIRES(queue_.mutex);
  void begin_pass(TimePoint now, Pass& pass) REQUIRES(queue_.mutex);
  void begin_tick(TimePoint now, Pass& pass) REQUIRES(queue_.mutex);
  void collect_feed(Pass& pass) REQUIRES(queue_.mutex);
  void collect_due(TimePoint now, Pass& pass) REQUIRES(queue_.mutex);
  void collect_shed(Pass& pass) REQUIRES(queue_.mutex);
  void take_for_rendering(Waiter& waiter, Outcome outcome, Pass& pass) REQUIRES(queue_.mutex);
  void render_visits(Pass& pass) noexcept EXCLUDES(queue_.mutex);
  void collect_changed(Pass& pass) REQUIRES(queue_.mutex);

  JobTable& table_;
  const std::chrono::nanoseconds interval_;

  mutable WaitQueue queue_;
  Listing listing_ GUARDED_BY(queue_.mutex);
  HeldPages pages_ GUARDED_BY(queue_.mutex);
  HeldPage::Waiters feed_ GUARDED_BY(queue_.mutex);
  std::size_t paged_ GUARDED_BY(queue_.mutex) = 0;       // Waiters on pages.
  std::uint64_t installs_ GUARDED_BY(queue_.mutex) = 0;  // Begun.
  TimePoint last_tick_ GUARDED_BY(queue_.mutex){};
  std::uint64_t ticks_ GUARDED_BY(queue_.mutex) = 0;
  bool tick_due_ GUARDED_BY(queue_.mutex) = false;  // At last_tick_ + interval_.
  bool shed_due_ GUARDED_BY(queue_.mutex) = false;  // Some page is to be shed.
  bool feed_due_ GUARDED_BY(queue_.mutex) = false;
  TimePoint feed_due_since_ GUARDED_BY(queue_.mutex){};
  bool installing_ GUARDED_BY(queue_.mutex) = false;
};

}  // namespace bide
