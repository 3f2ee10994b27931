// core/held_page.h: A page that requests wait for (the statistics are one, too), and all of these.
//
// Thread safety: none; guarded by the overview's mutex.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/page_query.h"
#include "core/waiter.h"

namespace bide {

struct HeldPage {
  struct Queue : WaiterList {
    HeldPage* page = nullptr;
  };
  static constexpr Revision kNoFloor = UINT64_MAX;

  HeldPage(std::string k, const std::optional<PageQuery>& q) : key(std::move(k)), query(q) {
    judged.page = arrivals.page = this;
  }
  HeldPage(const HeldPage&) = delete;
  HeldPage& operator=(const HeldPage&) = delete;

  const std::string key;
  const std::optional<PageQuery> query;  // nullopt: the statistics.

  Queue judged;    // Whose tag matches `rendered`.
  Queue arrivals;  // Not judged yet, or parked while the page was being rendered.
  // Null while nobody waits: a page may be large, and there may be many.
  std::shared_ptr<const Snapshot> rendered;
  std::uint64_t version = 0;  // Of the listing, when `rendered` was begun.
  // The revision the page had at its last tick. Who has seen this or newer was answered (or could
  // have been) less than an interval ago, and waits for the next tick.
  Revision floor = kNoFloor;
  TimePoint idle_since{};  // When nobody waits: since when.

  [[nodiscard]] bool has_waiters() const {
    return judged.waiters != nullptr || arrivals.waiters != nullptr;
  }
  // Where somebody belongs who parks at this version of the listing.
  [[nodiscard]] Queue& queue_for(const ValidatorList& seen, std::uint64_t listing_version);
  // They are judged together from the next rendering on.
  void join_arrivals();
};

class HeldPages {
 public:
  static constexpr std::size_t kPagesMax = 256;  // With waiters.

  // A page nobody waits for is remembered for `keep`: who was answered comes back.
  explicit HeldPages(std::chrono::nanoseconds keep) : keep_(keep) {}

  // Null: nobody waits for it, nor did lately.
  [[nodiscard]] HeldPage* find(std::string_view key, TimePoint now);
  // May forget one that nobody waits for. Null: kPagesMax have waiters.
  [[nodiscard]] HeldPage* find_or_add(std::string_view key, const std::optional<PageQuery>& query,
                                      TimePoint now);
  template <typename F>
  void for_each(F&& visit) {
    for (auto& [key, page] : pages_) visit(page);
  }

 private:
  [[nodiscard]] bool forget_idle();

  const std::chrono::nanoseconds keep_;
  std::map<std::string, HeldPage, std::less<>> pages_;  // Nodes stay where they are.
};

}  // namespace bide
