#include "core/table/held_page.h"

#include <algorithm>

namespace bide {
namespace {

// A page to shed is searched among the pages of so many clients, those with the most pages.
constexpr int kVictimsMax = 8;

}  // namespace

HeldPage::Waiters& HeldPage::waiters_for(const ValidatorList& seen, std::uint64_t listing_version) {
  const bool current = rendered != nullptr && version == listing_version;
  return current && seen.matches_content(rendered->json.tag) ? judged : arrivals;
}

void HeldPage::join_arrivals() {
  while (arrivals.waiters != nullptr) {
    Waiter& waiter = *arrivals.waiters;
    WaiterList::unlink(waiter);
    judged.link(waiter);
  }
}

HeldPage* HeldPages::find(const std::optional<PageQuery>& query, TimePoint now) {
  const auto it = pages_.find(query);
  if (it == pages_.end()) return nullptr;
  HeldPage& page = it->second;
  return page.has_waiters() || now - page.idle_since < keep_ ? &page : nullptr;
}

HeldPage* HeldPages::find_or_add(const std::optional<PageQuery>& query, TimePoint now) {
  if (HeldPage* const page = find(query, now)) return page;
  if (const auto it = pages_.find(query); it != pages_.end()) erase(it->second);
  while (query && pages_.size() >= kPagesMax) {  // More while some are being shed.
    if (idle_.empty()) return nullptr;
    erase(*idle_.front());
  }
  return &add(query, now);
}

HeldPage* HeldPages::add_in_place_of_another(const std::optional<PageQuery>& query,
                                             std::uint64_t client, TimePoint now) {
  const auto own = holds_.find(client);
  const std::size_t pages = own == holds_.end() ? 0 : own->second.size();
  int looked_at = 0;
  for (auto heaviest = heavy_.rbegin(); heaviest != heavy_.rend(); ++heaviest) {
    if (heaviest->first <= pages + 1 || ++looked_at > kVictimsMax) return nullptr;
    for (const Hold& hold : holds_.at(heaviest->second)) {
      if (hold.page->clients > 1 || hold.page->shed) continue;
      HeldPage& added = add(query, now);
      hold.page->shed = true;
      return &added;
    }
  }
  return nullptr;
}

HeldPage& HeldPages::add(const std::optional<PageQuery>& query, TimePoint now) {
  HeldPage& page = pages_.try_emplace(query, query).first->second;
  set_idle(page, now);
  return page;
}

bool HeldPages::try_hold(HeldPage& page, std::uint64_t client) {
  if (!page.query) {
    set_busy(page);
    return true;
  }
  Holds& holds = holds_[client];
  const auto held = std::find_if(holds.begin(), holds.end(),
                                 [&](const Hold& hold) { return hold.page == &page; });
  if (held != holds.end()) {
    ++held->waiters;
    return true;
  }
  if (holds.size() >= kPagesPerClient) return false;
  holds.reserve(holds.size() + 1);
  rank_client(client, holds.size(), holds.size() + 1);
  holds.push_back({&page, 1});
  const auto rank = static_cast<std::uint32_t>(holds.size());
  page.rank = page.clients == 0 ? rank : std::min(page.rank, rank);
  ++page.clients;
  set_busy(page);
  return true;
}

void HeldPages::let_go(HeldPage& page, std::uint64_t client, TimePoint now) {
  if (page.query) {
    Holds& holds = holds_.at(client);
    const auto held = std::find_if(holds.begin(), holds.end(),
                                   [&](const Hold& hold) { return hold.page == &page; });
    if (--held->waiters == 0) {
      holds.erase(held);
      --page.clients;
      rank_client(client, holds.size() + 1, holds.size());
      if (holds.empty()) holds_.erase(client);
    }
  }
  if (!page.has_waiters()) set_idle(page, now);
}

void HeldPages::rank_client(std::uint64_t client, std::size_t pages_before, std::size_t pages_now) {
  auto entry =
      heavy_.extract(std::pair(pages_before, client));  // Used again: to leave needs no memory.
  if (pages_now <= 1) return;
  if (entry.empty()) {
    heavy_.insert({pages_now, client});
  } else {
    entry.value().first = pages_now;
    heavy_.insert(std::move(entry));
  }
}

void HeldPages::set_idle(HeldPage& page, TimePoint now) {
  page.idle_since = now;
  page.rendered = nullptr;
  page.shed = false;
  idle_.splice(idle_.end(), page.place);
}

void HeldPages::set_busy(HeldPage& page) {
  if (page.place.empty()) page.place.splice(page.place.end(), idle_, page.in_order);
}

// The page must have no waiters.
void HeldPages::erase(HeldPage& page) {
  set_busy(page);
  pages_.erase(pages_.find(page.query));
}

}  // namespace bide
