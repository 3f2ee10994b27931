#include "core/table/overview.h"

#include <algorithm>
#include <new>
#include <utility>

namespace bide {
namespace {

// If a job has left a page between drafting and rendering, the page is drafted again, at most so
// often. After that the job is left out. Each try takes microseconds.
constexpr int kDraftsMax = 4;

Verdict judge(const Waiter::Terms& terms, const Snapshot& page) {
  if (terms.seen.any()) return Verdict::kNever;
  return terms.seen.matches_content(page.json.tag) ? Verdict::kPending : Verdict::kHolds;
}

}  // namespace

Overview::Overview(JobTable& table)
    : table_(table),
      interval_(table.options_.stats_interval),
      queue_(table.clock_, table.executor_, table.places_, *this),
      pages_(interval_) {
  queue_.start();
}

// --- The shards' and the table's side -------------------------------------------------------

void Overview::update(const std::optional<Listed>& before, const std::optional<Listed>& after,
                      Revision revision, TimePoint delivered, bool progress) {
  if (!before && !after) return;
  WaitQueue::Lock lock(queue_);
  const std::size_t bytes_before = listing_.label_bytes();
  listing_.replace(before, after, revision, progress);
  table_.memory_.fetch_add(listing_.label_bytes() - bytes_before, std::memory_order_relaxed);
  if ((paged_ > 0 || membership_.waiters != nullptr) && !tick_due_) {
    tick_due_ = true;
    queue_.notify();
  }
  if (!after) return;
  if (!progress) return tell_all(delivered);
  const TimePoint now = table_.clock_.now();
  if (now >= progress_from_) {
    tell_progress(now, delivered);
  } else if (!std::exchange(progress_waits_, true)) {
    queue_.notify();  // The notifier may sleep for longer.
  }
}

void Overview::tell_progress(TimePoint now, TimePoint delivered) {
  progress_from_ = now + kProgressInterval;
  progress_told_ = listing_.revision();
  progress_waits_ = false;
  tell_all(delivered);
}

void Overview::tell_all(TimePoint delivered) {
  told_ = listing_.revision();
  if (feed_.waiters == nullptr || feed_due_) return;
  feed_due_ = true;
  feed_due_since_ = delivered;
  queue_.notify();
}

void Overview::begin_install() {
  MutexLock lock(queue_.mutex);
  installing_ = true;
  ++installs_;
}

void Overview::install(Listing& listing) {
  WaitQueue::Lock lock(queue_);
  listing.succeed(listing_);
  std::swap(listing_, listing);
  installing_ = false;
  // Revisions may have started again: the next tick judges all requests that are parked before it.
  pages_.for_each([](HeldPage& page) { page.floor = 0; });
  tick_due_ = tick_due_ || paged_ > 0 || membership_.waiters != nullptr;
  progress_told_ = listing_.revision();
  progress_waits_ = false;
  tell_all(table_.clock_.now());
  queue_.notify();
}

// --- The requests' side ---------------------------------------------------------------------

Look Overview::look(const Query& query, const Waiter::Terms& terms) {
  Rendering fresh = render_page(query);
  const Verdict verdict = judge(terms, *fresh.snapshot);
  return {std::move(fresh.snapshot), verdict};
}

Look Overview::look_at_feed(const Feed& feed, const Waiter::Terms& terms) {
  MutexLock lock(queue_.mutex);
  const bool news = has_news(terms, feed.selection.get(), feed.membership);
  return {nullptr, news ? Verdict::kHolds : Verdict::kPending};
}

Overview::Rendering Overview::render_page(const Query& query) {
  for (int drafts = 1;; ++drafts) {
    Rendering rendering;
    Draft draft;
    {
      MutexLock lock(queue_.mutex);
      rendering.version = listing_.version();
      HeldPage* const page = pages_.find(query, table_.clock_.now());
      if (page != nullptr && page->rendered != nullptr && page->version == rendering.version) {
        rendering.snapshot = page->rendered;
        return rendering;
      }
      draft = draft_of(listing_, query);
    }
    rendering.snapshot = render(draft, table_, drafts < kDraftsMax);
    if (rendering.snapshot != nullptr) return rendering;
  }
}

Parked Overview::park(const Query& query, Waiter& waiter, std::uint64_t ticket, TimePoint now,
                      Look& look) {
  look = {};
  {
    WaitQueue::Lock lock(queue_);
    if (!waiter.present(ticket)) return Parked::kGone;
    if (waiter.terms.condition.kind() == Condition::Kind::kNothing) return rest(waiter);
    if (const auto parked = park_unjudged(query, waiter, now)) return *parked;
  }
  // The page is rendered without the lock; the waiter's terms are read only with it.
  const Rendering fresh = render_page(query);
  WaitQueue::Lock lock(queue_);
  if (!waiter.present(ticket)) return Parked::kGone;
  const Parked parked = park_judged(query, waiter, fresh, now);
  if (parked != Parked::kParked) look = {fresh.snapshot, judge(waiter.terms, *fresh.snapshot)};
  return parked;
}

Parked Overview::park_on_feed(const Feed& feed, Waiter& waiter, std::uint64_t ticket, Look& look) {
  look = {};
  WaitQueue::Lock lock(queue_);
  if (!waiter.present(ticket)) return Parked::kGone;
  if (waiter.terms.condition.kind() == Condition::Kind::kNothing) return rest(waiter);
  if (has_news(waiter.terms, feed.selection.get(), feed.membership)) {
    look.verdict = Verdict::kHolds;
    return Parked::kReady;
  }
  if (queue_.draining()) return Parked::kDraining;
  return admit(feed.membership ? membership_ : feed_, waiter);
}

// A tag at or above the revision of the last tick is younger than an interval, or was that tick's
// answer. Such a request waits for the next tick without being judged. So a client that comes back
// at once with the tag of each answer is answered once a tick, whatever other clients ask for.
std::optional<Parked> Overview::park_unjudged(const Query& query, Waiter& waiter, TimePoint now) {
  HeldPage* const page = pages_.find(query, now);
  if (page == nullptr || queue_.draining() || waiter.terms.seen.any()) return std::nullopt;
  const auto& tags = waiter.terms.seen.tags();
  const Epoch epoch = listing_.epoch();
  const bool seen_lately = std::any_of(tags.begin(), tags.end(), [&](const EntityTag& tag) {
    return tag.epoch == epoch && tag.revision >= page->floor;
  });
  if (!seen_lately) return std::nullopt;
  const Parked parked = admit(page->waiters_for(waiter.terms.seen, listing_.version()), waiter);
  return parked == Parked::kParked ? std::optional(parked) : std::nullopt;
}

Parked Overview::park_judged(const Query& query, Waiter& waiter, const Rendering& fresh,
                             TimePoint now) {
  const bool pending = judge(waiter.terms, *fresh.snapshot) == Verdict::kPending;
  HeldPage* page = pages_.find_or_add(query, now);
  if (page != nullptr && page->floor == HeldPage::kNoFloor) {
    page->floor = fresh.snapshot->json.tag.revision;
  }
  if (!pending) return Parked::kReady;
  if (queue_.draining()) return Parked::kDraining;
  if (page == nullptr) {
    page = pages_.add_in_place_of_another(query, waiter.client(), now);
    if (page == nullptr) return Parked::kFull;
    page->floor = fresh.snapshot->json.tag.revision;
    shed_due_ = true;
    queue_.notify();
  }
  // Only if no waiter stays unjudged: those in `judged` match the current rendering.
  if (page->judged.waiters == nullptr && page->version <= fresh.version) {
    page->rendered = fresh.snapshot;
    page->version = fresh.version;
  }
  const Parked parked = admit(page->waiters_for(waiter.terms.seen, listing_.version()), waiter);
  if (!page->has_waiters()) page->rendered = nullptr;
  return parked;
}

// Everything that may throw comes before the first step that cannot be undone.
Parked Overview::admit(HeldPage::Waiters& queue, Waiter& waiter) {
  HeldPage* const page = queue.page;
  queue_.make_room();
  if (page != nullptr) {
    if (page->shed) return Parked::kFull;
    if (!pages_.try_hold(*page, waiter.client())) return Parked::kTooMany;
  }
  if (!queue_.try_park(waiter, queue, waiter.terms.deadline)) {
    if (page != nullptr) pages_.let_go(*page, waiter.client(), table_.clock_.now());
    return Parked::kFull;
  }
  if (page == nullptr) return Parked::kParked;
  ++paged_;
  if (&queue == &page->arrivals && !tick_due_) {  // The next tick judges it.
    tick_due_ = true;
    queue_.notify();
  }
  return Parked::kParked;
}

void Overview::unpark(Waiter& waiter) {
  MutexLock lock(queue_.mutex);
  queue_.unpark(waiter);
}

}  // namespace bide
