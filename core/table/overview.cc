#include "core/table/overview.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace bide {
namespace {

// A page from which a job has gone between drafting and rendering is drafted again; so often, and
// then the job is left out. Each try takes microseconds.
constexpr int kDraftsMax = 4;

// nullopt: the key is no page's. Inside, nullopt: the statistics.
std::optional<std::optional<PageQuery>> query_of(std::string_view key) {
  if (key == Overview::kStatisticsKey) return std::optional<PageQuery>();
  std::optional<PageQuery> query = PageQuery::parse(key);
  if (!query) return std::nullopt;
  return query;
}

Verdict judge(const Waiter::Terms& terms, const Snapshot& page) {
  if (terms.seen.any()) return Verdict::kNever;
  return terms.seen.matches_content(page.json.tag) ? Verdict::kPending : Verdict::kHolds;
}

}  // namespace

Overview::Overview(JobTable& table)
    : table_(table), interval_(table.options_.stats_interval), pages_(interval_) {
  attendant_ = std::thread([this] { attend(); });
}

Overview::~Overview() { assert(!attendant_.joinable()); }

// --- The shards' and the table's side -------------------------------------------------------

bool Overview::update(const std::optional<Listed>& before, const std::optional<Listed>& after,
                      Revision revision, TimePoint delivered) {
  if (!before && !after) return false;
  MutexLock lock(mutex_);
  listing_.replace(before, after, revision);
  bool wake = false;
  if (paged_ > 0 && !tick_due_) wake = tick_due_ = true;
  if (feed_.waiters != nullptr && after && !feed_due_) {
    wake = feed_due_ = true;
    feed_due_since_ = delivered;
  }
  return wake;
}

void Overview::begin_install() {
  MutexLock lock(mutex_);
  installing_ = true;
  ++installs_;
}

void Overview::install(Listing& listing) {
  MutexLock lock(mutex_);
  listing.succeed(listing_);
  std::swap(listing_, listing);
  installing_ = false;
  // Revisions may have begun anew: whoever parks before the next tick is judged by that.
  pages_.for_each([](HeldPage& page) { page.floor = 0; });
  tick_due_ = tick_due_ || paged_ > 0;
  if (!feed_due_) feed_due_since_ = table_.clock_.now();
  feed_due_ = true;
  news_.notify_one();
}

// --- The requests' side ---------------------------------------------------------------------

Lot::Look Overview::look(std::string_view key, const Waiter::Terms& terms, TimePoint) {
  if (key == kFeedKey) {
    MutexLock lock(mutex_);
    return {nullptr, has_news(terms) ? Verdict::kHolds : Verdict::kPending};
  }
  const auto query = query_of(key);
  if (!query) return {};
  Rendering fresh = render_page(key, *query);
  const Verdict verdict = judge(terms, *fresh.snapshot);
  return {std::move(fresh.snapshot), verdict};
}

Overview::Rendering Overview::render_page(std::string_view key, const Query& query) {
  for (int drafts = 1;; ++drafts) {
    Rendering rendering;
    Draft draft;
    {
      MutexLock lock(mutex_);
      rendering.version = listing_.version();
      HeldPage* const page = pages_.find(key, table_.clock_.now());
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

Lot::Parked Overview::park(std::string_view key, Waiter& waiter, std::uint64_t ticket,
                           TimePoint now, Look& look) {
  look = {};
  const auto query = query_of(key);
  if (!query && key != kFeedKey) return Parked::kReady;
  Parked parked = Parked::kReady;
  bool news = false;
  {
    MutexLock lock(mutex_);
    if (!waiter.present(ticket)) return Parked::kGone;
    if (!query) {
      parked = park_on_feed(waiter);
      if (parked == Parked::kReady) look.verdict = Verdict::kHolds;
    } else if (const auto unjudged = park_unjudged(key, waiter, now)) {
      parked = *unjudged;
    }
    news = std::exchange(news_due_, false);
  }
  if (query && parked == Parked::kReady) {
    // Rendered without the lock; the waiter's terms are looked at only with it.
    const Rendering fresh = render_page(key, *query);
    MutexLock lock(mutex_);
    if (!waiter.present(ticket)) return Parked::kGone;
    parked = park_judged(key, *query, waiter, fresh, now);
    if (parked != Parked::kParked) look = {fresh.snapshot, judge(waiter.terms, *fresh.snapshot)};
    news = std::exchange(news_due_, false);
  }
  if (news) news_.notify_one();
  return parked;
}

Lot::Parked Overview::park_on_feed(Waiter& waiter) {
  if (has_news(waiter.terms)) return Parked::kReady;
  if (draining_) return Parked::kDraining;
  return admit(feed_, waiter);
}

// A tag at or above the revision of the last tick is younger than an interval, or was the news of
// that tick: it waits for the next one without being judged. So nobody who comes back at once with
// each answer's tag has the next answer at once, whatever others ask for in between.
std::optional<Lot::Parked> Overview::park_unjudged(std::string_view key, Waiter& waiter,
                                                   TimePoint now) {
  HeldPage* const page = pages_.find(key, now);
  if (page == nullptr || draining_ || waiter.terms.seen.any()) return std::nullopt;
  const auto& tags = waiter.terms.seen.tags();
  const Epoch epoch = listing_.epoch();
  const bool seen_lately = std::any_of(tags.begin(), tags.end(), [&](const EntityTag& tag) {
    return tag.epoch == epoch && tag.revision >= page->floor;
  });
  if (!seen_lately) return std::nullopt;
  const Parked parked = admit(page->queue_for(waiter.terms.seen, listing_.version()), waiter);
  return parked == Parked::kParked ? std::optional(parked) : std::nullopt;
}

Lot::Parked Overview::park_judged(std::string_view key, const Query& query, Waiter& waiter,
                                  const Rendering& fresh, TimePoint now) {
  const bool pending = judge(waiter.terms, *fresh.snapshot) == Verdict::kPending;
  HeldPage* page = pages_.find_or_add(key, query, now);
  if (page != nullptr && page->floor == HeldPage::kNoFloor) {
    page->floor = fresh.snapshot->json.tag.revision;
  }
  if (!pending) return Parked::kReady;
  if (draining_) return Parked::kDraining;
  if (page == nullptr) {
    page = pages_.add_in_place_of_another(key, query, waiter.client(), now);
    if (page == nullptr) return Parked::kFull;
    page->floor = fresh.snapshot->json.tag.revision;
    shed_due_ = news_due_ = true;
  }
  // Only where it leaves nobody unjudged: those in `judged` match what is rendered there now.
  if (page->judged.waiters == nullptr && page->version <= fresh.version) {
    page->rendered = fresh.snapshot;
    page->version = fresh.version;
  }
  const Parked parked = admit(page->queue_for(waiter.terms.seen, listing_.version()), waiter);
  if (!page->has_waiters()) page->rendered = nullptr;
  return parked;
}

Lot::Parked Overview::admit(HeldPage::Queue& queue, Waiter& waiter) {
  due_.make_room();  // All that may throw comes before the first thing that cannot be undone.
  if (queue.page != nullptr && queue.page->shed) return Parked::kFull;
  if (!table_.places_.try_take(waiter.terms.places)) return Parked::kFull;
  try {
    if (queue.page != nullptr && !pages_.try_hold(*queue.page, waiter.client())) {
      table_.places_.give_back(waiter.terms.places);
      return Parked::kTooMany;
    }
  } catch (const std::bad_alloc&) {
    table_.places_.give_back(waiter.terms.places);
    throw;
  }
  queue.link(waiter);
  due_.insert(waiter, waiter.terms.deadline);
  if (&due_.top() == &waiter) news_due_ = true;
  if (queue.page != nullptr) ++paged_;
  if (queue.page != nullptr && &queue == &queue.page->arrivals && !tick_due_) {
    tick_due_ = news_due_ = true;  // To be judged.
  }
  return Parked::kParked;
}

void Overview::unpark(std::string_view, Waiter& waiter) {
  MutexLock lock(mutex_);
  if (due_.holds(waiter)) forget(waiter);  // Or the attendant lost its claim to us.
}

// The waiter leaves the lot, however it does.
void Overview::forget(Waiter& waiter) {
  HeldPage* const page = static_cast<HeldPage::Queue*>(WaiterList::of(waiter))->page;
  WaiterList::unlink(waiter);
  due_.erase(waiter);
  table_.places_.give_back(waiter.terms.places);
  if (page == nullptr) return;
  --paged_;
  pages_.let_go(*page, waiter.client(), table_.clock_.now());
}

}  // namespace bide
