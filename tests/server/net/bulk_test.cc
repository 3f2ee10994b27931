// Requests with much content, which are served on a thread of their own.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "tests/server/served_table.h"

namespace bide {
namespace {

using testing::Client;
using testing::ServedTable;

constexpr std::size_t kThreads = ServedTable::kThreads;

const std::string kQuick = "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n";

std::string large(std::size_t content_bytes) {
  return "POST /livez HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(content_bytes) +
         "\r\n\r\n" + std::string(content_bytes, 'b');
}

}  // namespace

TEST_CASE("bulk: others are answered while a request with much content is being served") {
  ServedTable server;
  std::promise<void> go;
  std::promise<void> begun;
  server.instead = [&, gone = go.get_future().share()](const http::Request& request,
                                                       Exchange& exchange) {
    if (request.method == "POST") {
      begun.set_value();
      gone.wait();
    }
    server.router().handle(request, exchange);
  };
  std::vector<Client> quick;  // On every thread that watches sockets.
  for (std::size_t i = 0; i < 2 * kThreads; ++i) {
    quick.push_back(server.dial());
    REQUIRE(ServedTable::wait_until([&] { return server.connections() == i + 1; }));
  }
  Client slow = server.dial();
  slow.send(large(70'000));
  REQUIRE(begun.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  for (Client& client : quick) {
    client.send(kQuick);
    CHECK(client.response().starts_with("HTTP/1.1 200 "));
  }
  go.set_value();
  CHECK(slow.response().starts_with("HTTP/1.1 405 "));
}

TEST_CASE("bulk: requests that wait for their turn while the server drains are answered") {
  ServedTable server;
  std::promise<void> go;
  std::promise<void> begun;
  std::atomic<int> served{0};
  server.instead = [&, gone = go.get_future().share()](const http::Request& request,
                                                       Exchange& exchange) {
    if (++served == 1) {
      begun.set_value();
      gone.wait();
    }
    server.router().handle(request, exchange);
  };
  Client idle = server.dial();
  Client first = server.dial();
  first.send(large(70'000));
  REQUIRE(begun.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  Client second = server.dial();
  second.send(large(70'000));
  Client left = server.dial();
  REQUIRE(ServedTable::wait_until([&] { return server.connections() == 4; }));
  left.send(large(70'000));
  left.close();  // Before its turn.
  auto draining = std::async(std::launch::async, [&] { server.drain(); });
  CHECK(idle.at_end());
  idle.close();
  go.set_value();
  CHECK(first.response().starts_with("HTTP/1.1 405 "));
  first.close();
  const std::string answer = second.response();
  CHECK(answer.starts_with("HTTP/1.1 405 "));
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(second.at_end());
  second.close();
  draining.get();
  CHECK(server.connections() == 0);
}

TEST_CASE("bulk: large bodies are read whole, and what is pipelined behind them is answered") {
  ServedTable server;
  std::atomic<int> whole{0};
  server.instead = [&](const http::Request& request, Exchange& exchange) {
    if (request.method == "POST" && request.body == std::string(300'000, 'b')) ++whole;
    server.router().handle(request, exchange);
  };
  Client client = server.dial();
  client.send(large(300'000) + kQuick + large(300'000) + large(300'000));
  for (const char* status : {"405", "200", "405", "405"}) {
    CHECK(client.response().substr(0, 12) == std::string("HTTP/1.1 ") + status);
  }
  CHECK(whole == 3);
}

}  // namespace bide
