// Entries, reports, deadlines, hang-ups and reads of the bucket at the same time, from several
// threads. Most useful under the thread sanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <future>
#include <thread>

#include "core/table/catch_up.h"
#include "core/table/job_table.h"
#include "tests/core/job/entries.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;

constexpr Epoch kEpoch = 42;

// A stream that is written to before the table gets the entry.
class Stream final : public Tail {
 public:
  std::optional<Report> read() override {
    if (++reads_ % 8 == 0) return std::nullopt;
    return Report{{kEpoch, end.load()}};
  }
  void doubt() noexcept override { ++doubts; }

  std::atomic<Revision> end{0};
  std::atomic<unsigned> doubts{0};

 private:
  unsigned reads_ = 0;
};

// A waiter that knows where the stream ended when it was parked, and checks the table's position
// when it is answered.
class Held final : public Waiter {
 public:
  explicit Held(const Position& position) : position_(position) {}
  bool present(std::uint64_t ticket) const noexcept override { return claimed_.load() == ticket; }
  bool try_claim() noexcept override {
    std::uint64_t unclaimed = 0;
    return claimed_.compare_exchange_strong(unclaimed, 1);
  }
  void answer(Outcome outcome, std::shared_ptr<const Snapshot>) noexcept override {
    const bool early = outcome == Outcome::kChanged
                           ? position_.revision() < floor
                           : outcome != Outcome::kTimeout || system_clock().now() < terms.deadline;
    answered_.set_value(!early);
  }
  void lose() noexcept override { answered_.set_value(false); }
  // Whether it was answered, and not too early.
  bool well() {
    auto answered = answered_.get_future();
    return answered.wait_for(10s) == std::future_status::ready && answered.get();
  }

  Revision floor = 0;
  bool left = false;

 private:
  const Position& position_;
  std::atomic<std::uint64_t> claimed_{0};
  std::promise<bool> answered_;
};

void pass(std::chrono::milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

// How many answers came too early, or not at all.
int use(JobTable& table, const Stream& stream, const std::atomic<bool>& stop, unsigned seed) {
  int wrong = 0;
  while (!stop && wrong == 0) {
    std::deque<Held> all;
    for (int i = 0; i < 20; ++i) {
      Held& held = all.emplace_back(table.position());
      seed = seed * 1103515245 + 12345;
      held.terms.deadline = system_clock().now() + ((seed >> 16 & 7) == 0 ? 1ms : 5000ms);
      held.floor = stream.end;
      const auto parked = table.catch_up().park(held, 0);
      if (parked != Parked::kParked) ++wrong;
      if (parked != Parked::kParked || (seed >> 20 & 7) != 0 || !held.try_claim()) continue;
      table.catch_up().unpark(held);
      held.left = true;
    }
    for (Held& held : all) {
      if (!held.left && !held.well()) ++wrong;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("catch up: nobody is told that the table has caught up before it has") {
  JobTable table(system_clock(), {}, nullptr);
  table.install(BucketRead(10), kEpoch, 0s);
  Stream stream;
  table.catch_up().start(stream);
  std::atomic<bool> stop{false};
  std::deque<std::future<int>> users;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    users.push_back(std::async(std::launch::async, [&table, &stream, &stop, seed] {
      return use(table, stream, stop, seed);
    }));
  }
  const auto end = std::chrono::steady_clock::now() + 1500ms;
  bool taken = true;
  for (Revision revision = 1; std::chrono::steady_clock::now() < end; ++revision) {
    if (revision % 64 == 1) stream.end = revision + 63;
    // Behind for longer than a request to the stream takes.
    if (revision % 64 == 32) pass(revision / 64 % 50 == 7 ? CatchUp::kPace : 0ms);
    if (revision % 1000 == 0) {
      BucketRead read(10);
      read.reach(revision);
      table.install(std::move(read), kEpoch, 0s);
    } else if (revision % 7 == 0) {
      table.reach(revision);
    } else {
      taken = table.apply(defined("a", revision)) && taken;
    }
  }
  stop = true;
  for (auto& user : users) CHECK(user.get() == 0);
  CHECK(taken);
  CHECK(stream.doubts == 0);
  CHECK(table.parked() == 0);
  table.close();
}

}  // namespace bide
