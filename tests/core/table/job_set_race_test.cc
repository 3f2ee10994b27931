// Changes, deadlines and hang-ups at the same time, on overlapping sets, from several threads:
// every parked request ends exactly once. The thread sanitizer shows whether claims order memory as
// they must, the address sanitizer whether groups outlive their strands.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/table/job_sets.h"
#include "tests/core/job/entries.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::about;
using testing::defined;
using testing::deleted;
using testing::happened;

constexpr int kJobs = 6;

std::string job_id(int number) { return "job-" + std::to_string(number); }

// A broadcast with a label that half of the jobs have, and one that all have.
Definition definition_of(int number) {
  Definition definition = about("jobs._all");
  definition.labels = Labels(
      std::map<std::string, std::string>{{"odd", std::to_string(number % 2)}, {"team", "ci"}});
  return definition;
}

// Reused like a connection's slot: ticket even while parked, odd while owned.
class Slot final : public Waiter {
 public:
  bool present(std::uint64_t ticket) const noexcept override { return ticket_.load() == ticket; }
  bool try_claim() noexcept override { return claim(parked_ticket); }
  bool claim(std::uint64_t ticket) noexcept {
    return ticket_.compare_exchange_strong(ticket, ticket + 1);
  }
  void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept override {
    ++uses;  // Owned: plain memory, no lock.
    if ((outcome == Outcome::kGone) != (snapshot == nullptr)) ++misfits;
    if (outcome == Outcome::kDone && all && !can_be_done(*snapshot)) ++misfits;
    terms = {};  // As a connection does. From here on nothing may read the old terms.
    answers.fetch_add(1);
    idle.store(true);
  }
  void lose() noexcept override { answer(Outcome::kDone, nullptr); }
  std::uint64_t release() noexcept { return ticket_.fetch_add(1) + 1; }
  [[nodiscard]] std::uint64_t ticket() const noexcept { return ticket_.load(); }

  JobSetPtr set;
  std::uint64_t parked_ticket = 0;
  std::uint64_t hang_up_ticket = 0;
  bool all = false;
  int uses = 0;
  int misfits = 0;
  std::atomic<int> answers{0};
  std::atomic<bool> idle{true};  // The owner may use the slot for another request.

 private:
  static bool can_be_done(const Snapshot& set) {
    return set.status != Status::kSubmitted && set.status != Status::kProcessing;
  }
  std::atomic<std::uint64_t> ticket_{1};
};

struct Tally {
  int parked = 0, at_once = 0, hung_up = 0;
};

class Dice {
 public:
  explicit Dice(unsigned seed) : state_(seed) {}
  unsigned below(unsigned limit) {
    state_ = state_ * 1103515245 + 12345;
    return (state_ >> 16) % limit;
  }

 private:
  unsigned state_;
};

void prepare(Slot& slot, JobSets& sets, Dice& dice) {
  JobSetQuery query;
  query.match_any = dice.below(3) == 0;
  const int first = static_cast<int>(dice.below(kJobs));
  const int jobs = 1 + static_cast<int>(dice.below(kJobs));
  const bool by_label = dice.below(2) == 0;
  if (by_label) {
    const std::string odd = "odd=" + std::to_string(first % 2);
    query.selection = std::make_shared<const Selection>(Selection{{odd, "team=ci"}, {}});
  }
  for (int i = 0; i < jobs && !by_label; ++i) query.ids.push_back(job_id((first + i) % kJobs));
  slot.all = !query.match_any;
  slot.set = std::make_shared<const JobSetQuery>(std::move(query));
  slot.terms = {};
  slot.terms.deadline = system_clock().now() + std::chrono::microseconds(dice.below(2000));
  slot.terms.places = kJobs;
  if (by_label || dice.below(3) != 0) {
    slot.terms.condition = Condition::done();
    return;
  }
  const Look look = sets.look(*slot.set, slot.terms, system_clock().now());
  if (look.snapshot != nullptr) slot.terms.seen = ValidatorList(look.snapshot->json.tag);
  slot.all = false;
}

// Parks slot after slot with short deadlines; some clients hang up at once.
Tally use_slots(JobSets& sets, std::deque<Slot>& slots, int rounds, unsigned seed) {
  Tally tally;
  Dice dice(seed);
  for (int round = 0; round < rounds; ++round) {
    for (Slot& slot : slots) {
      if (!slot.idle.exchange(false)) continue;
      ++slot.uses;
      prepare(slot, sets, dice);
      const JobSetPtr set = slot.set;
      slot.parked_ticket = slot.ticket() + 1;
      const std::uint64_t ticket = slot.release();
      Look look;
      const Parked parked = sets.park(set, slot, ticket, system_clock().now(), look);
      if (parked == Parked::kParked) {
        ++tally.parked;
        if (dice.below(4) != 0 || !slot.claim(ticket)) continue;
        sets.unpark(slot);  // The client hung up, and we were first.
        ++tally.hung_up;
      } else {
        REQUIRE(slot.claim(ticket));
        ++tally.at_once;
      }
      slot.terms = {};
      slot.idle.store(true);
    }
  }
  return tally;
}

// Jobs go through their whole life again and again. One part is deleted and defined again; the
// others complete, are acknowledged late (broadcasts), and complete again.
bool live(JobTable& table, const std::atomic<bool>& stop, Revision& revision) {
  while (!stop.load()) {
    for (int i = 0; i < kJobs; ++i) {
      const std::string id = job_id(i);
      const Entry completed = happened(id, ++revision, EventKind::kCompleted, "a");
      const Entry late = happened(id, ++revision, EventKind::kAcknowledged, "b");
      bool taken = table.apply(completed);
      taken = table.apply(late) && taken;
      taken = table.apply(deleted(late, ++revision)) && taken;
      if (i == 0) taken = table.apply(deleted(defined(id, 1), ++revision)) && taken;
      taken = table.apply(deleted(completed, ++revision)) && taken;
      if (i == 0) taken = table.apply(defined(id, ++revision, definition_of(i))) && taken;
      if (!taken) return false;
    }
  }
  return true;
}

TEST_CASE("job set: change, deadline and hang-up race, and each request ends exactly once") {
  const JobTable::Options options{.shards = 3, .settle = 0ms, .stats_interval = 1ms};
  JobTable table(system_clock(), options, nullptr);
  table.install(BucketRead(100), 7, 0s);
  JobSets& sets = table.sets();
  Revision revision = 0;
  for (int i = 0; i < kJobs; ++i) {
    REQUIRE(table.apply(defined(job_id(i), ++revision, definition_of(i))));
  }
  std::deque<Slot> first(48), second(48);
  std::atomic<bool> stop{false};
  auto watcher = std::async(std::launch::async, [&] { return live(table, stop, revision); });
  auto other = std::async(std::launch::async, [&] { return use_slots(sets, second, 1500, 99); });
  const Tally mine = use_slots(sets, first, 1500, 7);
  const Tally theirs = other.get();
  stop = true;
  CHECK(watcher.get());
  table.drain();

  int answered = 0, uses = 0, misfits = 0;
  for (std::deque<Slot>* slots : {&first, &second}) {
    for (Slot& slot : *slots) {
      answered += slot.answers.load();
      uses += slot.uses;
      misfits += slot.misfits;
    }
  }
  CHECK(answered == mine.parked + theirs.parked - mine.hung_up - theirs.hung_up);
  CHECK(uses == mine.parked + mine.at_once + theirs.parked + theirs.at_once + answered);
  CHECK(misfits == 0);
  CHECK(table.parked() == 0);
  CHECK(mine.parked > 0);
  CHECK(mine.hung_up > 0);
  table.close();
}

TEST_CASE("job set: a client that leaves while its strands are being parked is let go, once") {
  JobTable table(system_clock(), JobTable::Options{.shards = 3}, nullptr);
  table.install(BucketRead(1000), 7, 0s);
  JobSets& sets = table.sets();
  JobSetQuery query;
  for (std::size_t i = 0; i < kJobSetIdsMax; ++i) {
    query.ids.push_back(job_id(static_cast<int>(i)));
    REQUIRE(table.apply(defined(job_id(static_cast<int>(i)), i + 1)));
  }
  const auto set = std::make_shared<const JobSetQuery>(query);
  Slot slot;
  std::atomic<std::uint64_t> parking{0};  // The ticket that may be claimed; 0: none, 1: stop.
  std::atomic<int> left{0};
  auto leaver = std::async(std::launch::async, [&] {
    for (std::uint64_t ticket = 0; (ticket = parking.load()) != 1;) {
      // Every other client waits to be admitted, which comes just before the first strand.
      if (ticket == 0 || (left.load() % 2 == 1 && table.parked() == 0)) continue;
      if (!slot.claim(ticket)) continue;
      sets.unpark(slot);
      slot.terms = {};
      left.fetch_add(1);
      parking.store(0);
    }
  });
  constexpr int kRounds = 1000;
  int entered = 0;
  for (int round = 0; round < kRounds; ++round) {
    slot.terms = {};
    slot.terms.condition = Condition::done();
    slot.terms.deadline = kEndOfTime;
    slot.parked_ticket = slot.ticket() + 1;
    const std::uint64_t ticket = slot.release();
    parking.store(ticket);
    Look look;
    const Parked parked = sets.park(set, slot, ticket, system_clock().now(), look);
    if (parked == Parked::kParked) ++entered;
    while (parking.load() != 0) {
    }
  }
  parking.store(1);
  leaver.get();
  CHECK(left.load() == kRounds);
  CHECK(slot.answers.load() == 0);
  CHECK(table.parked() == 0);
  CHECK(entered >= kRounds / 2);
  table.close();
}

}  // namespace
}  // namespace bide
