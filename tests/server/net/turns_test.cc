// A client that reads as fast as bide sends does not keep a thread: after a turn it goes to the
// back of the queue.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/served_table.h"

namespace bide {
namespace {

using testing::Client;
using testing::ServedTable;

constexpr std::size_t kThreads = ServedTable::kThreads;
constexpr std::size_t kJobs = 1000;

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}

// Two sockets to a thread: one has much to be told, the other asks for little.
struct Crowded {
  explicit Crowded(ServedTable& served) : server(served) {
    for (std::size_t i = 0; i < 2 * kThreads; ++i) {
      (i < kThreads ? greedy : quick).push_back(server.dial());
      REQUIRE(ServedTable::wait_until([&] { return server.connections() == i + 1; }));
    }
  }

  // All requests are there when the threads begin to look at them.
  void ask(const std::string& much, const std::string& little) {
    {
      const testing::BusyThreads busy(server);
      for (Client& client : greedy) client.send(much);
      for (Client& client : quick) client.send(little);
    }
    for (Client& client : quick) CHECK(client.response().starts_with("HTTP/1.1 200 "));
  }

  ServedTable& server;
  std::vector<Client> greedy;
  std::vector<Client> quick;
};

}  // namespace

TEST_CASE("turns: a feed that is resumed from long ago lets others in between its batches") {
  ServedTable server;
  for (std::size_t i = 1; i <= kJobs; ++i) {
    server.apply(testing::defined("job-" + std::to_string(i), i));
  }
  std::atomic<std::uint64_t> told_before{UINT64_MAX};  // The first of the small requests.
  server.instead = [&](const http::Request& request, Exchange& exchange) {
    std::uint64_t none = UINT64_MAX;
    if (request.path == "/livez") {
      told_before.compare_exchange_strong(none,
                                          server.http_metrics.sum(&HttpTally::stream_records));
    }
    server.router().handle(request, exchange);
  };
  Crowded crowded(server);
  const std::string resumed = "Last-Event-ID: 2a-0-0000000000000000\r\n";
  crowded.ask(get("/job/events", resumed), get("/livez"));
  CHECK(told_before < kJobs / 2);
  for (Client& client : crowded.greedy) {  // And it is told everything.
    const std::string last = "\"revision\":" + std::to_string(kJobs) + "}";
    while (client.received().find(last) == std::string::npos) REQUIRE(client.more());
  }
  CHECK(server.http_metrics.sum(&HttpTally::stream_records) == kThreads * kJobs);
}

TEST_CASE("turns: a stream that was stuck waits for its turn when its client reads on") {
  std::atomic<std::thread::id> feeding;
  std::atomic<std::thread::id> answering;
  std::atomic<std::uint64_t> told_before{UINT64_MAX};
  std::atomic<std::uint64_t> told_before_task{UINT64_MAX};
  std::atomic<std::size_t> held{0};
  ServedTable server;
  Definition large;  // So that the sockets cannot take the feed.
  large.operation = '"' + std::string(1000, 'x') + '"';
  for (std::size_t i = 1; i <= kJobs; ++i) {
    server.apply(testing::defined("job-" + std::to_string(i), i, large));
  }
  const auto told = [&] { return server.http_metrics.sum(&HttpTally::stream_records); };
  server.instead = [&](const http::Request& request, Exchange& exchange) {
    const bool small = request.path == "/livez";
    (small ? answering : feeding) = std::this_thread::get_id();
    if (small) {
      told_before = told();
      server.executor().run([&] { told_before_task = told(); });
    }
    server.router().handle(request, exchange);
  };
  Client feed(server.port, 4096);
  const Client other = server.dial();
  Client quick = server.dial();  // On the feed's thread.
  feed.send(get("/job/events", "Last-Event-ID: 2a-0-0000000000000000\r\n"));
  REQUIRE(ServedTable::wait_until([&] { return server.unread_bytes() > 0; }));

  // While both threads are held, the feed's socket gets room, and then the small request comes.
  std::promise<void> go;
  std::promise<void> others_go;
  const std::shared_future<void> gone = go.get_future().share();
  const std::shared_future<void> others_gone = others_go.get_future().share();
  for (std::size_t i = 0; i < kThreads; ++i) {
    server.executor().run([&, gone, others_gone] {
      const bool feeds = std::this_thread::get_id() == feeding.load();
      ++held;
      (feeds ? gone : others_gone).wait();
    });
  }
  REQUIRE(ServedTable::wait_until([&] { return held == kThreads; }));
  const std::uint64_t told_until_stuck = told();
  while (!feed.waits_for_bytes(std::chrono::milliseconds(300))) REQUIRE(feed.more());
  quick.send(get("/livez"));
  go.set_value();
  CHECK(quick.response().starts_with("HTTP/1.1 200 "));
  CHECK(answering.load() == feeding.load());
  CHECK(told_before == told_until_stuck);
  REQUIRE(ServedTable::wait_until([&] { return told_before_task != UINT64_MAX; }));
  CHECK(told_before_task == told_until_stuck);  // A turn comes behind tasks that are younger.
  others_go.set_value();
  const std::string last = "\"revision\":" + std::to_string(kJobs) + "}";
  while (feed.received().find(last) == std::string::npos) REQUIRE(feed.more());
}

TEST_CASE("turns: a row of pipelined requests lets others in between") {
  ServedTable server;
  std::atomic<std::size_t> answered{0};
  std::atomic<std::size_t> answered_before{SIZE_MAX};  // The first that is not in a row.
  server.instead = [&](const http::Request& request, Exchange& exchange) {
    if (request.path == "/livez") {
      ++answered;
    } else {
      std::size_t none = SIZE_MAX;
      answered_before.compare_exchange_strong(none, answered.load());
    }
    server.router().handle(request, exchange);
  };
  constexpr std::size_t kRow = 500;
  std::string row;
  for (std::size_t i = 0; i < kRow; ++i) row += get("/livez");
  REQUIRE(row.size() < 32'768);  // It is read at once.
  Crowded crowded(server);
  crowded.ask(row, get("/metrics"));
  CHECK(answered_before < kRow / 2);
  for (Client& client : crowded.greedy) {
    for (std::size_t i = 0; i < kRow; ++i) CHECK(client.response().starts_with("HTTP/1.1 200 "));
  }
}

}  // namespace bide
