// Changes, deadlines and hang-ups at the same time, from several threads: every parked request ends
// exactly once. The thread sanitizer shows whether the claim orders memory as it must.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/table/job_table.h"
#include "tests/core/job/entries.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::deleted;
using testing::happened;

// Reused like a connection's slot: ticket even while parked, odd while owned.
class Slot final : public Waiter {
 public:
  bool present(std::uint64_t ticket) const noexcept override { return ticket_.load() == ticket; }
  bool try_claim() noexcept override { return claim(parked_ticket); }
  bool claim(std::uint64_t ticket) noexcept {
    return ticket_.compare_exchange_strong(ticket, ticket + 1);
  }
  void answer(Outcome, std::shared_ptr<const Snapshot>) noexcept override {
    ++uses;  // Owned: plain memory, no lock.
    answers.fetch_add(1);
    idle.store(true);
  }
  void lose() noexcept override { answer({}, nullptr); }
  std::uint64_t release() noexcept { return ticket_.fetch_add(1) + 1; }
  [[nodiscard]] std::uint64_t ticket() const noexcept { return ticket_.load(); }

  std::uint64_t parked_ticket = 0;
  int uses = 0;
  std::atomic<int> answers{0};
  std::atomic<bool> idle{true};  // The owner may use the slot for another request.

 private:
  std::atomic<std::uint64_t> ticket_{1};
};

struct Tally {
  int parked = 0, at_once = 0, hung_up = 0;
};

// Parks slot after slot with short deadlines; hangs up on some of them at once.
Tally use_slots(JobTable& table, std::deque<Slot>& slots, int rounds, unsigned seed) {
  Tally tally;
  for (int round = 0; round < rounds; ++round) {
    for (Slot& slot : slots) {
      if (!slot.idle.exchange(false)) continue;
      ++slot.uses;
      seed = seed * 1103515245 + 12345;
      const std::string id = "job-" + std::to_string(seed >> 16 & 3);
      slot.terms.condition = Condition::done();
      slot.terms.deadline = system_clock().now() + std::chrono::microseconds(seed >> 18 & 1023);
      slot.parked_ticket = slot.ticket() + 1;
      const std::uint64_t ticket = slot.release();
      Look look;
      const Parked parked = table.park(id, slot, ticket, system_clock().now(), look);
      if (parked == Parked::kParked) {
        ++tally.parked;
        if ((seed >> 28 & 3) != 0 || !slot.claim(ticket)) continue;
        table.unpark(id, slot);  // The client hung up, and this thread won the claim.
        ++tally.hung_up;
      } else {
        REQUIRE(slot.claim(ticket));
        ++tally.at_once;
      }
      slot.idle.store(true);
    }
  }
  return tally;
}

TEST_CASE("job table: change, deadline and hang-up race, and each request ends exactly once") {
  JobTable table(system_clock(), JobTable::Options{.shards = 2, .settle = 0ms}, nullptr);
  table.install(BucketRead(100), 7, 0s);
  Revision revision = 0;
  for (int i = 0; i < 4; ++i) REQUIRE(table.apply(defined("job-" + std::to_string(i), ++revision)));

  std::deque<Slot> first(64), second(64);
  std::atomic<bool> stop{false};
  auto watcher = std::async(std::launch::async, [&] {
    // A job goes through its whole life again and again: deleted, defined, completed.
    while (!stop.load()) {
      for (int i = 0; i < 4; ++i) {
        const std::string id = "job-" + std::to_string(i);
        const Entry completed = happened(id, ++revision, EventKind::kCompleted, "a");
        bool taken = table.apply(completed);
        taken = table.apply(deleted(defined(id, 1), ++revision)) && taken;
        taken = table.apply(deleted(completed, ++revision)) && taken;
        taken = table.apply(defined(id, ++revision)) && taken;
        if (!taken) return false;
      }
    }
    return true;
  });
  auto other = std::async(std::launch::async, [&] { return use_slots(table, second, 300, 99); });
  const Tally mine = use_slots(table, first, 300, 7);
  const Tally theirs = other.get();
  stop = true;
  CHECK(watcher.get());
  table.drain();

  int answered = 0;
  int uses = 0;
  for (std::deque<Slot>* slots : {&first, &second}) {
    for (Slot& slot : *slots) {
      answered += slot.answers.load();
      uses += slot.uses;
    }
  }
  CHECK(answered == mine.parked + theirs.parked - mine.hung_up - theirs.hung_up);
  CHECK(uses == mine.parked + mine.at_once + theirs.parked + theirs.at_once + answered);
  CHECK(table.parked() == 0);
  CHECK(mine.parked > 0);
  table.close();
}

}  // namespace
}  // namespace bide
