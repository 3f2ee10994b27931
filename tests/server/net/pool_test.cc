#include "server/net/pool.h"

#include <doctest/doctest.h>

#include <future>
#include <string>

namespace bide {
namespace {

using namespace std::chrono_literals;

// A pool of one thread that is busy until go().
class BusyPool {
 public:
  BusyPool() {
    pool.start(1);
    std::promise<void> busy;
    pool.enqueue([&] {
      busy.set_value();
      go_.get_future().wait();
    });
    busy.get_future().wait();
  }
  ~BusyPool() { pool.shutdown(); }
  void go() { go_.set_value(); }

  Pool pool{[](std::uint64_t, std::uint32_t) {}};

 private:
  std::promise<void> go_;
};

}  // namespace

TEST_CASE("pool: queued tasks run before and between laborious ones") {
  BusyPool busy;
  std::string order;
  std::promise<void> done;
  for (int i = 0; i < 3; ++i) {
    busy.pool.enqueue_laborious([&] {
      order += 'L';
      busy.pool.enqueue([&] { order += 'n'; });
    });
  }
  for (int i = 0; i < 3; ++i) busy.pool.enqueue([&] { order += 't'; });
  busy.pool.enqueue_laborious([&] { done.set_value(); });
  busy.go();
  REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(order == "tttLnLnLn");
}

TEST_CASE("pool: turns run behind tasks, and alternate with laborious tasks") {
  BusyPool busy;
  std::string order;
  std::promise<void> done;
  for (int i = 0; i < 3; ++i) {
    busy.pool.enqueue_turn([&] { order += 'T'; });
    busy.pool.enqueue_laborious([&] { order += 'L'; });
    busy.pool.enqueue([&] { order += 't'; });
  }
  busy.pool.enqueue_turn([&] { done.set_value(); });
  busy.go();
  REQUIRE(done.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(order == "tttLTLTLT");
}

TEST_CASE("pool: tasks without an end do not starve laborious ones") {
  BusyPool busy;
  std::atomic<bool> had_its_turn{false};
  std::promise<void> done;
  std::function<void()> again = [&] {
    if (had_its_turn) return done.set_value();
    busy.pool.enqueue(again);
  };
  busy.pool.enqueue(again);
  busy.pool.enqueue_laborious([&] { had_its_turn = true; });
  busy.go();
  CHECK(done.get_future().wait_for(10s) == std::future_status::ready);
  had_its_turn = true;
}

TEST_CASE("pool: tasks of either kind that are queued when it ends are run") {
  int run = 0;
  {
    Pool pool([](std::uint64_t, std::uint32_t) {});
    pool.enqueue([&] { pool.enqueue_laborious([&] { ++run; }); });
    pool.enqueue_laborious([&] { pool.enqueue([&] { ++run; }); });
    pool.shutdown();
  }
  CHECK(run == 2);
}

}  // namespace bide
