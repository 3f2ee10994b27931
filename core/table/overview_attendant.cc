// The attendant's half of core/table/overview.h: one thread that serves all who wait for pages, for
// the statistics, or for the feed.
//
// What waits where. A page has two queues: `judged` holds those whose tag matches what was rendered
// last, `arrivals` those who came since. A tick joins both, renders without the lock, and answers
// whose tag does not match. Who parks meanwhile may have seen a newer state than is being rendered;
// he is an arrival, and judged by a rendering that begins after he came. So nobody is answered with
// a state older than what he has seen.
//
// Whose deadline has come is taken out before the rendering, for the same reason: he parked before
// it. That rendering is not kept: others on the page would have to be judged by it, and between two
// ticks nobody is.
//
// Work is bounded. A tick renders kRendersPerTick pages, of kRenderedBytesPerTick; the others have
// theirs at the next, those first that have waited longest, and of these the ones whose clients
// hold few (HeldPage::rank): who asks for many pages waits longer for them, and others do not.
// Whoever is due within kDueSlack of somebody who is due now is answered with him.
#include <algorithm>
#include <new>
#include <utility>

#include "core/table/overview.h"

namespace bide {

namespace {

constexpr std::size_t kRendersPerTick = 256;
constexpr std::size_t kRenderedBytesPerTick = 64 << 20;
constexpr std::chrono::milliseconds kDueSlack{16};

}  // namespace

struct Overview::Pass {
  struct Visit {
    Query query;
    bool tick = false;  // Or only for those whose deadline has come.
    Rendering rendering;
  };
  struct Due {
    Waiter* waiter;
    Outcome outcome;
    Visit* visit;  // Null: on the feed.
  };
  // By key: the page itself may be forgotten while it is being rendered.
  std::map<std::string, Visit, std::less<>> visits;
  std::vector<Due> due;  // Claimed; answered with what is rendered.
  Batch batch;

  [[nodiscard]] bool empty() const { return visits.empty() && due.empty() && batch.empty(); }
  Visit& visit(const HeldPage& page) {
    return visits.try_emplace(page.key, Visit{page.query, false, {}}).first->second;
  }
  void answer_due() noexcept;
};

void Overview::attend() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    Pass pass;
    begin_pass(table_.clock_.now(), pass);
    if (pass.empty()) {
      if (draining_) drained_.notify_all();
      table_.clock_.wait_until(news_, mutex_, next_wake());
      continue;
    }
    working_ = true;
    mutex_.unlock();
    for (auto& [key, visit] : pass.visits) {
      try {
        visit.rendering = render_page(key, visit.query);
      } catch (const std::bad_alloc&) {
        // Those who are due get no answer, the others wait for the next tick.
      }
    }
    pass.answer_due();
    mutex_.lock();
    take_changed(pass);
    mutex_.unlock();
    hand_out(pass.batch, table_.crew_);
    mutex_.lock();
    working_ = false;
  }
}

void Overview::begin_pass(TimePoint now, Pass& pass) {
  if (tick_due_ && !installing_ && now - last_tick_ >= interval_) begin_tick(now, pass);
  take_feed(pass);
  take_due(now, pass);
  if (std::exchange(shed_due_, false)) take_shed(pass);
}

void Overview::begin_tick(TimePoint now, Pass& pass) {
  tick_due_ = false;
  last_tick_ = now;
  ++ticks_;
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
  std::size_t bytes = 0;
  for (HeldPage* const page : changed) {
    if (++pages > kRendersPerTick || bytes > kRenderedBytesPerTick) {
      tick_due_ = true;  // The rest has its turn.
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

void Overview::take_feed(Pass& pass) {
  if (!std::exchange(feed_due_, false)) return;
  for (Waiter *waiter = feed_.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
    next = WaiterList::next(*waiter);
    if (has_news(waiter->terms))
      take(*waiter, Outcome::kChanged, nullptr, feed_due_since_, pass.batch);
  }
}

void Overview::take_due(TimePoint now, Pass& pass) {
  const bool someone_is = due_.next_due() <= now;
  while (draining_ ? !due_.empty() : due_.next_due() <= now + kDueSlack) {
    Waiter& waiter = due_.top();
    const HeldPage* const page = static_cast<HeldPage::Queue*>(WaiterList::of(waiter))->page;
    const bool may_be_early = someone_is && page != nullptr && page->query;
    if (!draining_ && !may_be_early && due_.next_due() > now) return;
    take_for_rendering(waiter, draining_ ? Outcome::kDrain : Outcome::kTimeout, pass);
  }
}

void Overview::take_shed(Pass& pass) {
  pages_.for_each([&](HeldPage& page) NO_THREAD_SAFETY_ANALYSIS {
    if (!page.shed) return;
    page.join_arrivals();
    while (page.judged.waiters != nullptr) {
      take_for_rendering(*page.judged.waiters, Outcome::kShed, pass);
    }
  });
}

// It leaves the lot, and is answered with what the page is now.
void Overview::take_for_rendering(Waiter& waiter, Outcome outcome, Pass& pass) {
  HeldPage* const page = static_cast<HeldPage::Queue*>(WaiterList::of(waiter))->page;
  try {
    Pass::Visit* const visit = page == nullptr ? nullptr : &pass.visit(*page);
    pass.due.push_back({&waiter, outcome, visit});
  } catch (const std::bad_alloc&) {
    return lose(waiter, pass.batch);
  }
  forget(waiter);
  if (!waiter.try_claim()) pass.due.pop_back();
}

// Who is due on a page whose tick has come, too, gets the tick's news: a change before the deadline
// beats the deadline.
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

void Overview::take_changed(Pass& pass) {
  const TimePoint now = table_.clock_.now();
  for (auto& [key, visit] : pass.visits) {
    HeldPage* const page = visit.tick ? pages_.find(key, now) : nullptr;
    if (page == nullptr) continue;
    const Rendering& rendering = visit.rendering;
    if (rendering.snapshot == nullptr) {  // The arrivals have joined the judged, and are not.
      page->version = 0;
      tick_due_ = true;
      continue;
    }
    // All left while it was being rendered, and somebody else came and brought a newer rendering.
    if (page->rendered != nullptr && page->version > rendering.version) continue;
    page->floor = rendering.snapshot->json.tag.revision;
    if (!page->has_waiters()) continue;
    page->rendered = rendering.snapshot;
    page->version = rendering.version;
    for (Waiter *waiter = page->judged.waiters, *next = nullptr; waiter != nullptr; waiter = next) {
      next = WaiterList::next(*waiter);
      if (waiter->terms.seen.matches_content(rendering.snapshot->json.tag)) continue;
      take(*waiter, Outcome::kChanged, rendering.snapshot, {}, pass.batch);
    }
  }
}

void Overview::take(Waiter& waiter, Outcome outcome, std::shared_ptr<const Snapshot> snapshot,
                    TimePoint news_at, Batch& batch) {
  try {
    batch.ready.push_back({&waiter, outcome, std::move(snapshot)});
  } catch (const std::bad_alloc&) {
    return lose(waiter, batch);
  }
  forget(waiter);
  if (waiter.try_claim()) {
    waiter.news_at = news_at;
  } else {
    batch.ready.pop_back();
  }
}

void Overview::lose(Waiter& waiter, Batch& batch) {
  forget(waiter);
  if (waiter.try_claim()) batch.lost.link(waiter);
}

TimePoint Overview::next_wake() const {
  TimePoint wake = due_.next_due();
  if (tick_due_ && !installing_) wake = std::min(wake, last_tick_ + interval_);
  return wake;
}

void Overview::begin_drain() {
  MutexLock lock(mutex_);
  draining_ = true;
  news_.notify_one();
}

void Overview::finish_drain() {
  MutexLock lock(mutex_);
  while (!due_.empty() || working_) {
    drained_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  }
}

void Overview::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    news_.notify_one();
  }
  if (attendant_.joinable()) attendant_.join();
}

}  // namespace bide
