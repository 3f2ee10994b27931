// core/table/overview.h: The views over all jobs (statistics, pages of the list, the feed of
// changes), and the requests parked on them.
//
// Shards report every change. That moves places in the listing and sets a flag; it renders nothing.
// A request that is answered at once renders its page itself. The notifier answers parked requests:
// on the feed at once (progress at most once every kProgressInterval), on pages at ticks, at most
// one tick every `stats_interval`. A tick renders a bounded number of pages, each once for all its
// waiters. core/table/overview_waiting.cc says how this works, and why no client gets an older
// state than it has seen.
//
// A selection (core/job/labels.h) narrows all of them. Which jobs are selected is a thing to wait
// for, too: its waiters are told at ticks that a job has come or left.
//
// The condition is always `change`, and the one in the terms is ignored, unless it is
// Condition::nothing(): then a request waits for its deadline, and for nothing else.
//
// Locks. The overview's mutex may be locked while a shard's is held, never the reverse: the
// overview copies ids under its mutex, and looks the jobs up without it.
//
// Thread safety: all methods may be called from any thread, except begin_install() and install()
// from the thread of JobTable::install().
#pragma once

#include <optional>
#include <vector>

#include "core/base/mutex.h"
#include "core/parking/wait_queue.h"
#include "core/table/draft.h"
#include "core/table/held_page.h"

namespace bide {

class Overview final : private WaitQueue::Owner {
 public:
  using Query = std::optional<PageQuery>;  // nullopt: the statistics.

  explicit Overview(JobTable& table);
  ~Overview() = default;  // After stop().

  // The current state.
  [[nodiscard]] Look look(const Query& query, const Waiter::Terms& terms);
  // Answers kChanged, kTimeout or kDrain. kFull: parked_max, or HeldPages::kPagesMax; then also
  // kShed for the requests parked on a page. kTooMany: HeldPages::kPagesPerClient.
  [[nodiscard]] Parked park(const Query& query, Waiter& waiter, std::uint64_t ticket, TimePoint now,
                            Look& look);
  // The same for the feed, where `terms.seen` holds one tag, the cursor, and there are no
  // snapshots: ask changes_after() or members(). Waiter::selection() must be `feed.selection`.
  [[nodiscard]] Look look_at_feed(const Feed& feed, const Waiter::Terms& terms);
  [[nodiscard]] Parked park_on_feed(const Feed& feed, Waiter& waiter, std::uint64_t ticket,
                                    Look& look);
  void unpark(Waiter& waiter);

  // The newest state of each selected job whose latest change is behind `cursor`, sorted by
  // revision: at most `jobs_max` jobs, and at most `bytes_max` of JSON unless the first job alone
  // is larger. `reached` is the next cursor; jobs that were left out have higher revisions. A
  // cursor of another epoch counts as 0. Deletions are not included. Empty while a read of the
  // bucket is being installed. With several labels one call looks at kChangesWalked jobs of one
  // label, and may find none. `patches`: the caller follows the jobs with patches.
  using Snapshots = std::vector<std::shared_ptr<const Snapshot>>;
  struct Changes {
    Snapshots jobs;
    EntityTag reached;
  };
  static constexpr std::size_t kChangesWalked = 512;
  [[nodiscard]] Changes changes_after(const EntityTag& cursor, const Selection* selection,
                                      std::size_t jobs_max, std::size_t bytes_max,
                                      bool patches = false);
  [[nodiscard]] Members members(const SelectionPtr& selection, std::size_t jobs_max) const;
  // The cursor for a client that wants later changes only. Its hash has no meaning.
  [[nodiscard]] EntityTag feed_position() const;

  // For the shards, which hold their mutex: a job changed, see Listing::replace(). `delivered` as
  // in JobTable::apply(). `progress`: only by progress.
  void update(const std::optional<Listed>& before, const std::optional<Listed>& after,
              Revision revision, TimePoint delivered, bool progress = false);

  // Between these two calls the shards replace their jobs one after the other: no ticks, no feed.
  // `listing` is swapped with the old one, which the caller frees.
  void begin_install();
  void install(Listing& listing);

  void begin_drain(DrainPace* pace) { queue_.begin_drain(pace); }  // See WaitQueue.
  void finish_drain() { queue_.finish_drain(); }
  void stop() { queue_.stop(); }  // Before the shards end: rendering asks them for jobs.

 private:
  struct Rendering {
    std::shared_ptr<const Snapshot> snapshot;
    std::uint64_t version = 0;  // The listing's when rendering began; jobs may be newer.
  };
  struct Pass;

  [[nodiscard]] Rendering render_page(const Query& query) EXCLUDES(queue_.mutex);
  [[nodiscard]] bool has_news(const EntityTag& cursor, const Selection* selection) const
      REQUIRES(queue_.mutex);
  [[nodiscard]] bool has_moved(const EntityTag& seen, const Selection& selection) const
      REQUIRES(queue_.mutex);
  // Of the feed, or of the membership.
  [[nodiscard]] bool has_news(const Waiter::Terms& terms, const Selection* selection,
                              bool membership) const REQUIRES(queue_.mutex);
  void collect_news(HeldPage::Waiters& waiters, TimePoint news_at, Pass& pass)
      REQUIRES(queue_.mutex);
  // The feed tells all changes that there are.
  void tell_all(TimePoint delivered) REQUIRES(queue_.mutex);
  void tell_progress(TimePoint now, TimePoint delivered) REQUIRES(queue_.mutex);
  // For Condition::nothing().
  [[nodiscard]] Parked rest(Waiter& waiter) REQUIRES(queue_.mutex) {
    return queue_.draining() ? Parked::kDraining : admit(resting_, waiter);
  }
  // nullopt: the waiter has to be judged.
  [[nodiscard]] std::optional<Parked> park_unjudged(const Query& query, Waiter& waiter,
                                                    TimePoint now) REQUIRES(queue_.mutex);
  [[nodiscard]] Parked park_judged(const Query& query, Waiter& waiter, const Rendering& fresh,
                                   TimePoint now) REQUIRES(queue_.mutex);
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
  HeldPage::Waiters membership_ GUARDED_BY(queue_.mutex);  // Feed::membership.
  HeldPage::Waiters resting_ GUARDED_BY(queue_.mutex);     // They wait for their deadlines.
  std::size_t paged_ GUARDED_BY(queue_.mutex) = 0;         // Waiters on pages.
  std::uint64_t installs_ GUARDED_BY(queue_.mutex) = 0;    // Begun.
  TimePoint last_tick_ GUARDED_BY(queue_.mutex){};
  std::uint64_t ticks_ GUARDED_BY(queue_.mutex) = 0;
  bool tick_due_ GUARDED_BY(queue_.mutex) = false;  // At last_tick_ + interval_.
  bool shed_due_ GUARDED_BY(queue_.mutex) = false;  // Some page is to be shed.
  bool feed_due_ GUARDED_BY(queue_.mutex) = false;
  TimePoint feed_due_since_ GUARDED_BY(queue_.mutex){};
  // Changes behind this revision are progress, which the feed tells at progress_from_.
  Revision told_ GUARDED_BY(queue_.mutex) = 0;
  Revision progress_told_ GUARDED_BY(queue_.mutex) = 0;  // told_ when progress was told last.
  TimePoint progress_from_ GUARDED_BY(queue_.mutex){};
  bool progress_waits_ GUARDED_BY(queue_.mutex) = false;
  bool installing_ GUARDED_BY(queue_.mutex) = false;
};

}  // namespace bide
