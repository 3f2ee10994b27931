// Entries, reports, deadlines, hang-ups and reads of the bucket at once, from several threads. Run
// under thread sanitizer above all.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <future>
#include <thread>

#include "core/catch_up.h"
#include "core/job_table.h"
#include "tests/entries.h"
#include "tests/test_waiter.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;

constexpr Epoch kEpoch = 42;

// A stream that is written to before the table hears of it.
class Stream final : public Tail {
 public:
  std::optional<Position::Place> read() override {
    if (++reads_ % 8 == 0) return std::nullopt;
    return Position::Place{kEpoch, end.load()};
  }
  void doubt() noexcept override { ++doubts; }

  std::atomic<Revision> end{0};
  std::atomic<unsigned> doubts{0};

 private:
  unsigned reads_ = 0;
};

// A waiter that knows where the stream ended when it was parked.
struct Held {
  TestWaiter waiter;
  Revision floor = 0;
  bool left = false;
};

void pass(std::chrono::milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

// What went wrong: answers that came before the table was where it should be, or not at all.
int use(JobTable& table, const Stream& stream, const std::atomic<bool>& stop, unsigned seed) {
  int wrong = 0;
  while (!stop) {
    std::deque<Held> all(20);
    for (Held& held : all) {
      seed = seed * 1103515245 + 12345;
      held.waiter.terms.deadline = system_clock().now() + ((seed >> 16 & 7) == 0 ? 1ms : 5000ms);
      held.floor = stream.end;
      Lot::Look look;
      if (table.catch_up().park("", held.waiter, 0, system_clock().now(), look) !=
          Lot::Parked::kParked) {
        return ++wrong;
      }
      if ((seed >> 20 & 7) != 0 || !held.waiter.try_claim()) continue;
      table.catch_up().unpark("", held.waiter);
      held.left = true;
    }
    for (Held& held : all) {
      if (held.left) continue;
      const auto answer = held.waiter.wait_answer();
      if (!answer) return ++wrong;
      const bool caught_up = answer->outcome == Outcome::kChanged;
      if (caught_up && table.position().revision() < held.floor) ++wrong;
      const bool soon = held.waiter.terms.deadline < system_clock().now();
      if (answer->outcome == Outcome::kTimeout && !soon) ++wrong;
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
    if (revision % 64 == 32) pass(1ms);  // Behind, for long enough that somebody is told.
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
