// core/table/held_page.h: A page that requests wait for (the statistics are one, too), and all of
// these.
//
// A page is rendered anew while it changes, so pages are shared out between clients: each may hold
// kPagesPerClient, counted once however many of its requests wait for it, and whoever else does.
// Where kPagesMax are held in all, a client with fewer of them gets the place of one that only the
// client with the most waits for. The statistics are nobody's, and always have a place.
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
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/parking/waiter.h"
#include "core/table/page_query.h"

namespace bide {

struct HeldPage {
  struct Waiters : WaiterList {
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

  Waiters judged;    // Whose tag matches `rendered`.
  Waiters arrivals;  // Not judged yet, or parked while the page was being rendered.
  // Null while nobody waits: a page may be large, and there may be many.
  std::shared_ptr<const Snapshot> rendered;
  std::uint64_t version = 0;  // Of the listing, when `rendered` was begun; 0: to be made anew.
  // The revision the page had at its last tick. Who has seen this or newer was answered (or could
  // have been) less than an interval ago, and waits for the next tick.
  Revision floor = kNoFloor;
  TimePoint idle_since{};  // When nobody waits: since when.
  // And its place in the order of that; here while somebody waits, so that leaving needs no memory.
  std::list<HeldPage*> place{this};
  const std::list<HeldPage*>::iterator in_order = place.begin();

  std::uint32_t clients = 0;  // That hold it.
  // How many pages one of its clients held when it came for this one: the least of them.
  std::uint32_t rank = 0;
  std::uint64_t ticked = 0;  // When it was rendered last, by the number of the tick.
  bool shed = false;         // All its waiters are to be answered, and no more taken.

  [[nodiscard]] bool has_waiters() const {
    return judged.waiters != nullptr || arrivals.waiters != nullptr;
  }
  // Where somebody belongs who parks at this version of the listing.
  [[nodiscard]] Waiters& waiters_for(const ValidatorList& seen, std::uint64_t listing_version);
  // They are judged together from the next rendering on.
  void join_arrivals();
};

class HeldPages {
 public:
  static constexpr std::size_t kPagesMax = 1024;      // With waiters, or remembered.
  static constexpr std::size_t kPagesPerClient = 32;  // With waiters.

  // A page nobody waits for is remembered for `keep`: who was answered comes back.
  explicit HeldPages(std::chrono::nanoseconds keep) : keep_(keep) {}

  // Null: nobody waits for it, nor did lately.
  [[nodiscard]] HeldPage* find(std::string_view key, TimePoint now);
  // May forget one that nobody waits for. Null: kPagesMax have waiters.
  [[nodiscard]] HeldPage* find_or_add(std::string_view key, const std::optional<PageQuery>& query,
                                      TimePoint now);
  // As find_or_add() where that said null. Has another page shed for it; null: no other client has
  // so many that it must.
  [[nodiscard]] HeldPage* add_in_place_of_another(std::string_view key,
                                                  const std::optional<PageQuery>& query,
                                                  std::uint64_t client, TimePoint now);

  // A waiter of this client comes to the page. False: the client may not hold one more. May throw
  // std::bad_alloc, and has done nothing then.
  [[nodiscard]] bool try_hold(HeldPage& page, std::uint64_t client);
  // It has left the page. Does not throw.
  void let_go(HeldPage& page, std::uint64_t client, TimePoint now);

  template <typename F>
  void for_each(F&& visit) {
    for (auto& [key, page] : pages_) visit(page);
  }

 private:
  struct Hold {
    HeldPage* page;
    std::uint32_t waiters;
  };
  using Holds = std::vector<Hold>;  // Of one client, kPagesPerClient at most.

  HeldPage& add(std::string_view key, const std::optional<PageQuery>& query, TimePoint now);
  void set_idle(HeldPage& page, TimePoint now);
  void set_busy(HeldPage& page);
  void erase(HeldPage& page);
  void rank_client(std::uint64_t client, std::size_t pages_before, std::size_t pages_now);

  const std::chrono::nanoseconds keep_;
  std::map<std::string, HeldPage, std::less<>> pages_;  // Nodes stay where they are.
  std::list<HeldPage*> idle_;                           // Those nobody waits for, the latest last.
  std::unordered_map<std::uint64_t, Holds> holds_;
  std::set<std::pair<std::size_t, std::uint64_t>> heavy_;  // Clients with more than one page.
};

}  // namespace bide
