// How the notifier of core/table/overview.h serves requests that wait for pages, for the
// statistics, or for the feed.
//
// A page has two lists. `judged` has the waiters whose tag matches the last rendering, `arrivals`
// those that came since. A tick joins both, renders without the lock, and answers the waiters whose
// tag does not match. A client that parks meanwhile may have seen a newer state than is being
// rendered; it is an arrival, and judged by a rendering that begins after it came. So no client is
// answered with a state older than what it has seen.
//
// For the same reason a waiter whose deadline has come is taken out before the rendering that
// answers it. That rendering is not kept: otherwise it would have to judge the other waiters of the
// page, and between two ticks none is judged.
//
// Work is bounded. A tick renders kRendersPerTick pages, of kRenderedBytesPerTick, and
// kWalksPerTick of them by a walk; the others have their turn at the next tick. Pages that have
// waited longest come first, and among them those of clients that hold few (HeldPage::rank): a
// client that asks for many pages waits longer for them, and other clients do not. A waiter that is
// due within kDueSlack of one that is due now is answered with it.
#include <algorithm>
#include <new>
#include <utility>

#include "core/table/overview.h"

namespace bide {

namespace {

constexpr std::size_t kRendersPerTick = 256;
constexpr std::size_t kRenderedBytesPerTick = 64 << 20;
constexpr std::size_t kWalksPerTick = 32;  // Of pages that take a walk (core/table/draft.h).
constexpr std::chrono::milliseconds kDueSlack{16};

}  // namespace

struct Overview::Pass {
  struct Visit {
    bool tick = false;  // False: only for waiters whose deadline has come.
    Rendering rendering;
  };
  struct Due {
    Waiter* waiter;
    Outcome outcome;
    Visit* visit;  // Null for the feed.
  };
  explicit Pass(Batch& to) : batch(to) {}

  Batch& batch;
  // By query: the page itself may be forgotten while it is being rendered.
  std::map<Query, Visit> visits;
  std::vector<Due> due;  // Claimed; they are answered with the rendering.

  Visit& visit(const HeldPage& page) { return visits[page.query]; }
  void answer_due() noexcept;
};

bool Overview::collect(TimePoint now, Batch& batch) {
  Pass pass(batch);
  begin_pass(now, pass);
  if (pass.visits.empty() && pass.due.empty()) return false;
  queue_.mutex.unlock();
  render_visits(pass);
  pass.answer_due();
  queue_.mutex.lock();
  collect_changed(pass);
  return true;
}

void Overview::render_visits(Pass& pass) noexcept {
  for (auto& [query, visit] : pass.visits) {
    try {
      visit.rendering = render_page(query);
    } catch (const std::bad_alloc&) {
      // Waiters that are due get no answer; the others wait for the next tick.
    }
  }
}

void Overview::begin_pass(TimePoint now, Pass& pass) {
  if (tick_due_ && !installing_ && now - last_tick_ >= interval_) begin_tick(now, pass);
  if (progress_waits_ && now >= progress_from_) tell_progress(now, now);
  collect_feed(pass);
  collect_due(now, pass);
  if (std::exchange(shed_due_, false)) collect_shed(pass);
}

void Overview::begin_tick(TimePoint now, Pass& pass) {
  tick_due_ = false;
  last_tick_ = now;
  ++ticks_;
  collect_news(membership_, {}, pass);
  std::vector<HeldPage*> changed;
  pages_.for_each([&](HeldPage& page) NO_THREAD_SAFETY_ANALYSIS {
    if (!page.has_waiters()) return;
    if (page.arrivals.waiters == nullptr && page.version == listing_.version()) return;
    try {
      changed.push_back(&page);
    } catch (const std::bad_alloc&) {
      tick_due_ = true;
    }
  });
  const auto turn = [](const HeldPage* page) {
    return std::pair(page->query.has_value(), page->ticked + page->rank);
  };
  std::sort(changed.begin(), changed.end(),
            [&](const HeldPage* a, const HeldPage* b) { return turn(a) < turn(b); });
  std::size_t pages = 0;
  std::size_t walks = 0;
  std::size_t bytes = 0;
  for (HeldPage* const page : changed) {
    if (page->query && needs_walk(*page->query) && ++walks > kWalksPerTick) {
      tick_due_ = true;
      continue;
    }
    if (++pages > kRendersPerTick || bytes > kRenderedBytesPerTick) {
      tick_due_ = true;  // For the remaining pages.
      break;
    }
    if (page->rendered != nullptr) bytes += page->rendered->size_of(MediaType::kJson);
    try {
      pass.visit(*page).tick = true;
    } catch (const std::bad_alloc&) {
      tick_due_ = true;
      break;
    }
    page->join_arrivals();
    page->ticked = ticks_;
  }
}

void Overview::collect_feed(Pass& pass) {
  if (std::exchange(feed_due_, false)) collect_news(feed_, feed_due_since_, pass);
}

void Overview::collect_news(HeldPage::Waiters& waiters, TimePoint news_at, Pass& pass) {
  const bool membership = &waiters == &membership_;
  for (Waiter *waiter = waiters.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
    next = WaiterList::next(*waiter);
    if (has_news(waiter->terms, waiter->selection(), membership)) {
      queue_.take(*waiter, Outcome::kChanged, nullptr, news_at, pass.batch);
    }
  }
}

void Overview::collect_due(TimePoint now, Pass& pass) {
  const bool draining = queue_.draining();
  const bool someone_is = queue_.next_due() <= now;
  while (Waiter* const waiter = queue_.due_by(now + kDueSlack)) {
    const HeldPage* const page = static_cast<HeldPage::Waiters*>(WaiterList::of(*waiter))->page;
    const bool may_be_early = someone_is && page != nullptr && page->query;
    if (!draining && !may_be_early && queue_.next_due() > now) return;
    take_for_rendering(*waiter, draining ? Outcome::kDrain : Outcome::kTimeout, pass);
  }
}

void Overview::collect_shed(Pass& pass) {
  pages_.for_each([&](HeldPage& page) NO_THREAD_SAFETY_ANALYSIS {
    if (!page.shed) return;
    page.join_arrivals();
    while (page.judged.waiters != nullptr) {
      take_for_rendering(*page.judged.waiters, Outcome::kShed, pass);
    }
  });
}

// Takes the waiter out, to answer it with the page as it is now.
void Overview::take_for_rendering(Waiter& waiter, Outcome outcome, Pass& pass) {
  HeldPage* const page = static_cast<HeldPage::Waiters*>(WaiterList::of(waiter))->page;
  try {
    Pass::Visit* const visit = page == nullptr ? nullptr : &pass.visit(*page);
    pass.due.push_back({&waiter, outcome, visit});
  } catch (const std::bad_alloc&) {
    return queue_.lose(waiter, pass.batch);
  }
  if (!queue_.take_out(waiter)) pass.due.pop_back();
}

// A waiter that is due on a page whose tick has come, too, gets the tick's news: a change before
// the deadline beats the deadline.
void Overview::Pass::answer_due() noexcept {
  for (const Due& taken : due) {
    std::shared_ptr<const Snapshot> snapshot;
    Outcome outcome = taken.outcome;
    if (taken.visit != nullptr) {
      snapshot = taken.visit->rendering.snapshot;
      if (snapshot == nullptr) {
        batch.lost.link(*taken.waiter);
        continue;
      }
      const bool news = !taken.waiter->terms.seen.matches_content(snapshot->json.tag);
      if (taken.visit->tick && news && outcome == Outcome::kTimeout) outcome = Outcome::kChanged;
    }
    taken.waiter->news_at = {};
    try {
      batch.ready.push_back({taken.waiter, outcome, std::move(snapshot)});
    } catch (const std::bad_alloc&) {
      batch.lost.link(*taken.waiter);
    }
  }
  due.clear();
}

void Overview::collect_changed(Pass& pass) {
  const TimePoint now = table_.clock_.now();
  for (auto& [query, visit] : pass.visits) {
    HeldPage* const page = visit.tick ? pages_.find(query, now) : nullptr;
    if (page == nullptr) continue;
    const Rendering& rendering = visit.rendering;
    if (rendering.snapshot == nullptr) {  // The arrivals were moved to `judged`, but not judged.
      page->version = 0;
      tick_due_ = true;
      continue;
    }
    // All waiters left during the rendering, and a new one came with a newer rendering.
    if (page->rendered != nullptr && page->version > rendering.version) continue;
    page->floor = rendering.snapshot->json.tag.revision;
    if (!page->has_waiters()) continue;
    page->rendered = rendering.snapshot;
    page->version = rendering.version;
    for (Waiter *waiter = page->judged.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
      next = WaiterList::next(*waiter);
      if (waiter->terms.seen.matches_content(rendering.snapshot->json.tag)) continue;
      queue_.take(*waiter, Outcome::kChanged, rendering.snapshot, {}, pass.batch);
    }
  }
}

void Overview::on_left(Waiter& waiter, WaiterList& list) {
  HeldPage* const page = static_cast<HeldPage::Waiters&>(list).page;
  if (page == nullptr) return;
  --paged_;
  pages_.let_go(*page, waiter.client(), table_.clock_.now());
}

TimePoint Overview::next_work(TimePoint /*now*/) const {
  return std::min(tick_due_ && !installing_ ? last_tick_ + interval_ : kEndOfTime,
                  progress_waits_ ? progress_from_ : kEndOfTime);
}

}  // namespace bide
