// tests/server/http1/request_table.h: Tables of requests with the parser's verdict and its reason.
// Each request is judged by the parser alone and by a server behind a socket, whole and byte by
// byte.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/http1/request_parser_feed.h"
#include "tests/server/served_table.h"

namespace bide::testing {

// Inputs of one verdict.
struct Row {
  const char* why;                     // The rule that gives the verdict, with its section.
  int status;                          // 200: the parser accepts it.
  std::vector<std::string> inputs;     // Requests, or the part of one that the table is about.
  std::vector<std::string> targets{};  // 200: those of the requests that it is.
};
using Table = std::vector<Row>;

// Sent behind each of them. Served behind a refused one, it would have been smuggled.
inline constexpr std::string_view kBehind =
    "GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

// A front whose every request is answered with its own target.
class EchoServer {
 public:
  EchoServer() {
    table_.instead = [this](const http::Request& request, Exchange& exchange) {
      ++handled_;
      http::Response response;
      response.status = 200;
      response.body = request.target;
      exchange.send(response, "-");
    };
  }

  [[nodiscard]] int handled() const { return handled_; }
  // A client that has sent the bytes and those behind them. `bytewise`: each byte is a segment.
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

inline void check_parser_refuses(const std::string& bytes, int status = 400) {
  CAPTURE(bytes);
  const Feeding whole = feed(bytes);
  CHECK(whole.requests.empty());
  CHECK(whole.status == status);
  CHECK_FALSE((whole.status != 0 && whole.detail.empty()));
  CHECK(feed_bytewise(bytes).same_verdict(whole));
}

inline void check_refused(const EchoServer& server, const std::string& bytes, int status) {
  check_parser_refuses(bytes, status);
  const int before = server.handled();
  for (const bool bytewise : {false, true}) {
    Client client = server.client_of(bytes, bytewise);
    const std::string response = client.response();
    CHECK(response.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    CHECK(response.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(client.at_end());
  }
  CHECK(server.handled() == before);
}

inline void check_accepted(const EchoServer& server, const std::string& bytes,
                           std::vector<std::string> targets) {
  const Feeding whole = feed(bytes);
  CHECK(whole.status == 0);
  CHECK(whole.left_bytes == 0);
  CHECK(feed_bytewise(bytes).same_verdict(whole));
  REQUIRE(whole.requests.size() == targets.size());
  targets.emplace_back("/behind");
  for (const bool bytewise : {false, true}) {
    Client client = server.client_of(bytes, bytewise);
    for (const std::string& target : targets) {
      const std::string response = client.response();
      CHECK(response.starts_with("HTTP/1.1 200 "));
      CHECK(response.ends_with("\r\n\r\n" + target));
    }
    CHECK(client.at_end());
  }
}

inline std::string as_it_is(std::string_view input) { return std::string(input); }

// `shape` makes a request of an input.
template <typename Shape>
void check_table(const Table& table, Shape shape) {
  const EchoServer server;
  for (const Row& row : table) {
    for (const std::string& input : row.inputs) {
      const std::string bytes = shape(input);
      CAPTURE(row.why);
      CAPTURE(bytes);
      if (row.status == 200) {
        check_accepted(server, bytes, row.targets);
      } else {
        check_refused(server, bytes, row.status);
      }
    }
  }
}

inline void check_table(const Table& table) { check_table(table, as_it_is); }

}  // namespace bide::testing
