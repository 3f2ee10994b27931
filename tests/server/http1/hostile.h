// tests/server/http1/hostile.h: Hostile bytes, judged by the airlock alone and by a server behind a
// socket, each whole and byte by byte.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/http1/airlock_feed.h"
#include "tests/server/served_table.h"

namespace bide::testing {

// Bytes that must be refused.
struct Hostile {
  std::string name;
  std::string bytes;
  int status = 400;
};

// Bytes that look hostile and that RFC 9110 or 9112 allows, where no other reading is possible.
struct Harmless {
  const char* why;  // No other reading is possible.
  std::string bytes;
  std::vector<std::string> targets;  // Of the requests that they are.
};

// What is sent behind all of them. Served behind what was refused, it would have been smuggled.
inline constexpr std::string_view kBehind =
    "GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

// A front whose every request is answered with its own target.
class EchoServer {
 public:
  EchoServer() {
    table_.instead = [this](const httplib::Request& request, Exchange& exchange) {
      ++handled_;
      httplib::Response response;
      response.status = 200;
      response.body = request.target;
      exchange.send(response, "-");
    };
  }

  [[nodiscard]] int handled() const { return handled_; }
  // A client that has sent the bytes and what is behind them. `bytewise`: each byte is a segment.
  [[nodiscard]] Client client_of(std::string_view bytes, bool bytewise) const {
    Client client = table_.dial();
    client.send_at_once();
    const std::string all = std::string(bytes).append(kBehind);
    const std::size_t step = bytewise ? 1 : all.size();
    for (std::size_t i = 0; i < all.size(); i += step) {
      client.send(std::string_view(all).substr(i, step));
    }
    return client;
  }

 private:
  std::atomic<int> handled_{0};
  ServedTable table_;
};

inline void check_refused_by_airlock(const Hostile& hostile) {
  CAPTURE(hostile.name);
  const Feeding whole = feed(hostile.bytes);
  CHECK(whole.requests.empty());
  CHECK(whole.status == hostile.status);
  CHECK_FALSE((whole.status != 0 && whole.detail.empty()));
  CHECK(feed_bytewise(hostile.bytes).same_verdict(whole));
}

inline void check_refused_by_server(const EchoServer& server, const Hostile& hostile) {
  CAPTURE(hostile.name);
  const int before = server.handled();
  for (const bool bytewise : {false, true}) {
    Client client = server.client_of(hostile.bytes, bytewise);
    const std::string head = hostile.bytes.starts_with("HEAD ") ? client.response(true) : "";
    const std::string response = head.empty() ? client.response() : head;
    CHECK(response.starts_with("HTTP/1.1 " + std::to_string(hostile.status) + " "));
    CHECK(response.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(client.at_end());
  }
  CHECK(server.handled() == before);
}

inline void check_refused(const std::vector<Hostile>& all) {
  const EchoServer server;
  for (const Hostile& hostile : all) {
    check_refused_by_airlock(hostile);
    check_refused_by_server(server, hostile);
  }
}

inline void check_harmless(const std::vector<Harmless>& all) {
  const EchoServer server;
  for (const Harmless& harmless : all) {
    CAPTURE(harmless.why);
    const Feeding whole = feed(harmless.bytes);
    CHECK(whole.status == 0);
    CHECK(whole.left_bytes == 0);
    CHECK(feed_bytewise(harmless.bytes).same_verdict(whole));
    REQUIRE(whole.requests.size() == harmless.targets.size());
    for (const bool bytewise : {false, true}) {
      Client client = server.client_of(harmless.bytes, bytewise);
      std::vector<std::string> targets = harmless.targets;
      targets.emplace_back("/behind");
      for (const std::string& target : targets) {
        const std::string response = client.response();
        CHECK(response.starts_with("HTTP/1.1 200 "));
        CHECK(response.ends_with("\r\n\r\n" + target));
      }
      CHECK(client.at_end());
    }
  }
}

}  // namespace bide::testing
