#include "core/held_page.h"

namespace bide {

HeldPage::Queue& HeldPage::queue_for(const ValidatorList& seen, std::uint64_t listing_version) {
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

HeldPage* HeldPages::find(std::string_view key, TimePoint now) {
  const auto it = pages_.find(key);
  if (it == pages_.end()) return nullptr;
  HeldPage& page = it->second;
  return page.has_waiters() || now - page.idle_since < keep_ ? &page : nullptr;
}

HeldPage* HeldPages::find_or_add(std::string_view key, const std::optional<PageQuery>& query,
                                 TimePoint now) {
  if (HeldPage* const page = find(key, now)) return page;
  if (const auto it = pages_.find(key); it != pages_.end()) pages_.erase(it);
  if (pages_.size() >= kPagesMax && !forget_idle()) return nullptr;
  HeldPage& page = pages_.try_emplace(std::string(key), std::string(key), query).first->second;
  page.idle_since = now;
  return &page;
}

// The one that has been idle for longest.
bool HeldPages::forget_idle() {
  auto oldest = pages_.end();
  for (auto it = pages_.begin(); it != pages_.end(); ++it) {
    if (it->second.has_waiters()) continue;
    if (oldest == pages_.end() || it->second.idle_since < oldest->second.idle_since) oldest = it;
  }
  if (oldest == pages_.end()) return false;
  pages_.erase(oldest);
  return true;
}

}  // namespace bide
