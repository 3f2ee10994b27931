// core/table/held_page.h: The pages that requests wait for; the statistics count as a page.
//
// Rendering costs time whenever a page changes, so clients share the pages. A client may wait for
// kPagesPerClient different pages, with any number of requests each. When kPagesMax pages are held,
// a client that holds fewer pages takes the place of a page that only the client with the most
// pages waits for. The statistics count for no client and always have a place.
//
// Thread safety: none; guarded by the overview's mutex.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/parking/waiter.h"
#include "core/table/target.h"

namespace bide {

struct HeldPage {
  struct Waiters : WaiterList {
    HeldPage* page = nullptr;
  };
  static constexpr Revision kNoFloor = UINT64_MAX;

  explicit HeldPage(const std::optional<PageQuery>& page) : query(page) {
    judged.page = arrivals.page = this;
  }
  HeldPage(const HeldPage&) = delete;
  HeldPage& operator=(const HeldPage&) = delete;

  const std::optional<PageQuery> query;  // nullopt: the statistics.

  Waiters judged;    // Their tag matches `rendered`.
  Waiters arrivals;  // Not judged yet, or parked while the page was being rendered.
  // Null while the page has no waiters: pages may be large, and many.
  std::shared_ptr<const Snapshot> rendered;
  std::uint64_t version = 0;  // The listing's when rendering began; 0: must be rendered again.
  // The page's revision at its last tick. A client that has seen this or a newer revision could be
  // answered less than an interval ago, so it waits for the next tick.
  Revision floor = kNoFloor;
  TimePoint idle_since{};  // Since when the page has no waiters.
  // Its node in the list of idle pages. While the page has waiters the node is here, so that the
  // last waiter leaves without allocating memory.
  std::list<HeldPage*> place{this};
  const std::list<HeldPage*>::iterator in_order = place.begin();

  std::uint32_t clients = 0;  // How many clients hold it.
  // How many pages a client held when it came for this one: the lowest number of all its clients.
  std::uint32_t rank = 0;
  std::uint64_t ticked = 0;  // The number of the tick that rendered it last.
  bool shed = false;         // All its waiters must be answered; it takes no more.

  [[nodiscard]] bool has_waiters() const {
    return judged.waiters != nullptr || arrivals.waiters != nullptr;
  }
  // The list for a waiter that parks at this version of the listing.
  [[nodiscard]] Waiters& waiters_for(const ValidatorList& seen, std::uint64_t listing_version);
  // Moves the arrivals to `judged`. The next rendering judges all of them.
  void join_arrivals();
};

class HeldPages {
 public:
  static constexpr std::size_t kPagesMax = 1024;      // With waiters, or remembered.
  static constexpr std::size_t kPagesPerClient = 32;  // With waiters.

  // A page without waiters is remembered for `keep`, because clients come back after an answer.
  explicit HeldPages(std::chrono::nanoseconds keep) : keep_(keep) {}

  // Null: the page has no waiters, and had none lately.
  [[nodiscard]] HeldPage* find(const std::optional<PageQuery>& query, TimePoint now);
  // May forget a page without waiters. Null: kPagesMax pages have waiters.
  [[nodiscard]] HeldPage* find_or_add(const std::optional<PageQuery>& query, TimePoint now);
  // To be called when find_or_add() returned null. Marks another page as shed and adds this one.
  // Null: no client holds enough pages to lose one.
  [[nodiscard]] HeldPage* add_in_place_of_another(const std::optional<PageQuery>& query,
                                                  std::uint64_t client, TimePoint now);

  // Counts a waiter of this client on the page. False: the client may not hold another page. May
  // throw std::bad_alloc, and then has changed nothing.
  [[nodiscard]] bool try_hold(HeldPage& page, std::uint64_t client);
  // The waiter has left the page. Does not throw.
  void let_go(HeldPage& page, std::uint64_t client, TimePoint now);

  template <typename F>
  void for_each(F&& visit) {
    for (auto& [query, page] : pages_) visit(page);
  }

 private:
  struct Hold {
    HeldPage* page;
    std::uint32_t waiters;
  };
  using Holds = std::vector<Hold>;  // The pages of one client, at most kPagesPerClient.

  HeldPage& add(const std::optional<PageQuery>& query, TimePoint now);
  void set_idle(HeldPage& page, TimePoint now);
  void set_busy(HeldPage& page);
  void erase(HeldPage& page);
  void rank_client(std::uint64_t client, std::size_t pages_before, std::size_t pages_now);

  const std::chrono::nanoseconds keep_;
  std::map<std::optional<PageQuery>, HeldPage> pages_;  // Nodes stay where they are.
  std::list<HeldPage*> idle_;                           // Pages without waiters, the latest last.
  std::unordered_map<std::uint64_t, Holds> holds_;
  std::set<std::pair<std::size_t, std::uint64_t>> heavy_;  // Clients with more than one page.
};

}  // namespace bide
