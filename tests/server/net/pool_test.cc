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

TEST_CASE("pool: bulk runs while the threads that watch sockets are busy, and in order") {
  BusyPool busy;
  std::string order;
  std::promise<void> done;
  for (const char name : {'a', 'b', 'c'}) busy.pool.enqueue_bulk([&, name] { order += name; });
  busy.pool.enqueue_bulk([&] { done.set_value(); });
  CHECK(done.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(order == "abc");
  busy.go();
}

TEST_CASE("pool: tasks run while the thread for bulk is busy") {
  Pool pool([](std::uint64_t, std::uint32_t) {});
  pool.start(1);
  std::promise<void> go;
  std::promise<void> done;
  pool.enqueue_bulk([gone = go.get_future().share()] { gone.wait(); });
  pool.enqueue([&] { done.set_value(); });
  CHECK(done.get_future().wait_for(10s) == std::future_status::ready);
  go.set_value();
  pool.shutdown();
}

TEST_CASE("pool: tasks of any kind that are queued when it ends are run") {
  int run = 0;
  {
    Pool pool([](std::uint64_t, std::uint32_t) {});
    pool.enqueue([&] { pool.enqueue_laborious([&] { ++run; }); });
    pool.enqueue_laborious([&] { pool.enqueue([&] { ++run; }); });
    pool.enqueue_bulk([&] { pool.enqueue_turn([&] { ++run; }); });
    pool.enqueue_turn([&] { pool.enqueue_bulk([&] { ++run; }); });
    pool.shutdown();
  }
  CHECK(run == 4);
}

}  // namespace bide
