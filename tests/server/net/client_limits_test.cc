// What one client can take of the server's connections and memory, on real sockets: up to its
// limit, and without harm to others.
#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "tests/server/net/tls_pipe.h"
#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"
#include "tests/server/websocket/web_socket_client.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::happened;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::TlsDialer;
using testing::TlsPipe;
using testing::TlsSite;

constexpr const char* kOther = "127.0.0.2";
const std::string kLive = "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n";
const std::string kHeld = "GET /job/a?until=done&wait=30s HTTP/1.1\r\nHost: test\r\n\r\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
bool is_200(const std::string& response) { return response.starts_with("HTTP/1.1 200 "); }

bool is_served(Client client) {
  client.send(kLive);
  return is_200(client.response());
}
bool wait_connections(const ServedTable& server, std::size_t count) {
  return ServedTable::wait_until([&] { return server.connections() == count; });
}
// For clients that differ only in their time.
void let_pass(std::chrono::milliseconds time) {
  const TimePoint end = system_clock().now() + time;
  REQUIRE(ServedTable::wait_until([&] { return system_clock().now() > end; }));
}

Front::Limits limits_of(ClientAccounts::Limits per_client) {
  Front::Limits limits;
  limits.per_client = per_client;
  return limits;
}

}  // namespace

TEST_CASE("client limits: one client's connections end at its limit, another's do not") {
  ServedTable server(limits_of({.connections = 3}));
  std::vector<Client> open;
  for (int i = 0; i < 3; ++i) open.push_back(server.dial());
  REQUIRE(wait_connections(server, 3));
  CHECK_FALSE(is_served(server.dial()));
  CHECK(server.http_metrics.refused(ConnectionRefusal::kClient).load() == 1);
  CHECK(is_served(server.dial_from(kOther)));
  REQUIRE(wait_connections(server, 3));
  open.pop_back();
  REQUIRE(wait_connections(server, 2));
  CHECK(is_served(server.dial()));
}

TEST_CASE("client limits: if room is needed, idle connections are closed, the oldest first") {
  ServedTable server;
  server.apply(defined("a", 1));
  std::vector<Client> old;
  for (int i = 0; i < 16; ++i) old.push_back(server.dial());
  for (Client& client : old) {
    client.send(kLive);
    REQUIRE(is_200(client.response()));
  }
  Client held = server.dial();
  held.send(kHeld);
  REQUIRE(server.wait_parked(1));
  Client half = server.dial();
  half.send(kLive.substr(0, 20));
  let_pass(200ms);
  std::vector<Client> fresh;
  for (int i = 0; i < 4; ++i) fresh.push_back(server.dial());
  for (Client& client : fresh) {
    client.send(kLive);
    REQUIRE(is_200(client.response()));
  }
  REQUIRE(wait_connections(server, 22));
  REQUIRE(ServedTable::wait_until([&] { return server.make_room(); }));
  for (Client& client : old) CHECK(client.at_end());
  CHECK(server.connections() == 6);
  CHECK(server.http_metrics.connections_evicted == 16);
  for (Client& client : fresh) {
    client.send(kLive);
    CHECK(is_200(client.response()));
  }
  REQUIRE(ServedTable::wait_until([&] {
    (void)server.make_room();
    return server.connections() == 2;
  }));
  CHECK_FALSE(server.make_room());
  half.send(kLive.substr(20));
  CHECK(is_200(half.response()));
  server.apply(happened("a", 2, EventKind::kCompleted, "x"));
  CHECK(is_200(held.response()));
}

TEST_CASE("client limits: the memory for one client's half-sent heads has a limit") {
  const ServedTable server(limits_of({.kept_kib = 64}));
  const std::string half = "GET /livez HTTP/1.1\r\nHost: test\r\nX: " + std::string(15'000, 'x');
  std::vector<Client> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(server.dial());
    slow.back().send(half);
  }
  // Which one comes too late is not known: they are read by several threads.
  Client fifth = server.dial();
  REQUIRE(wait_connections(server, 5));
  let_pass(50ms);
  fifth.send(half);
  CHECK(fifth.response().starts_with("HTTP/1.1 429 "));
  CHECK(is_served(server.dial()));  // A whole request needs no room.
  Client other = server.dial_from(kOther);
  other.send(half);
  other.send("\r\n\r\n");
  CHECK(is_200(other.response()));
  slow.front().send("\r\n\r\n");
  CHECK(is_200(slow.front().response()));
  // The answer may be here before the room it gives back.
  CHECK(ServedTable::wait_until([&] {
    Client sixth = server.dial();
    sixth.send(half);
    sixth.send("\r\n\r\n");
    return is_200(sixth.response());
  }));
}

TEST_CASE("client limits: one client's bodies have a limit, also when they are being served") {
  ServedTable server(limits_of({.kept_kib = 1'500}));
  std::promise<void> go;
  std::atomic<int> begun{0};
  server.instead = [&, gone = go.get_future().share()](const http::Request& request,
                                                       Exchange& exchange) {
    if (request.method == "POST") {
      ++begun;
      gone.wait();
    }
    server.router().handle(request, exchange);
  };
  const std::string large =
      "POST /livez HTTP/1.1\r\nHost: test\r\nContent-Length: 1048576\r\n\r\n" +
      std::string(1'048'576, 'b');
  Client first = server.dial();
  first.send(large);
  REQUIRE(ServedTable::wait_until([&] { return begun == 1; }));
  Client second = server.dial();
  second.send(large);
  CHECK(second.response().starts_with("HTTP/1.1 429 "));
  Client other = server.dial_from(kOther);
  other.send(large);
  go.set_value();
  CHECK(first.response().starts_with("HTTP/1.1 405 "));
  CHECK(other.response().starts_with("HTTP/1.1 405 "));
  first.send(large);  // Its room was given back.
  CHECK(first.response().starts_with("HTTP/1.1 405 "));
}

TEST_CASE("client limits: input behind held requests has a limit, the answer comes anyway") {
  ServedTable server(limits_of({.kept_kib = 40}));
  server.apply(defined("a", 1));
  std::string behind;
  while (behind.size() < 20'000) behind += kLive;
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 2; ++i) {
    clients.push_back(server.dial());
    clients.back().send(kHeld + behind);
    REQUIRE(server.wait_parked(i + 1));
  }
  Client late = server.dial();
  late.send(kHeld + behind);
  REQUIRE(server.wait_parked(3));
  server.apply(happened("a", 2, EventKind::kCompleted, "x"));
  CHECK(has(late.response(), "\r\nConnection: close\r\n"));
  for (Client& client : clients) {
    for (std::size_t sent = 0; sent <= behind.size() / kLive.size(); ++sent) {
      CHECK(is_200(client.response()));
    }
  }
}

TEST_CASE("client limits: one client's half-sent messages have a limit") {
  ServedTable server(limits_of({.kept_kib = 32}));
  server.apply(defined("a", 1));
  const std::string half = client_frame(Opcode::kText, "{", {.fin = false});
  std::vector<StreamReader> readers;
  for (std::size_t i = 0; i < 3; ++i) {
    readers.emplace_back(server, Road::kSocket, "a");
    REQUIRE(server.wait_parked(i + 1));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    readers[i].client().send(half);
    for (int pings = 0; pings < 2; ++pings) {  // What came before the first one is counted then.
      readers[i].client().send(client_frame(Opcode::kPing, "?"));
      while (readers[i].next().event != "pong") continue;
    }
  }
  readers[2].client().send(half);
  std::string last;
  while (!last.starts_with("close")) last = readers[2].gist();
  CHECK(last == "close 1013");
}

TEST_CASE("client limits: half a TLS record has a request's time, not that of an idle client") {
  const TlsSite site;
  ServedTable server({.idle = 60s, .head = 300ms}, {}, system_clock(), nullptr, {}, &site.context);
  const TlsDialer dialer;
  TlsPipe pipe(server.port, dialer, 0);
  REQUIRE(pipe.shake());
  const std::string record = pipe.sealed(SSL3_RT_APPLICATION_DATA, kLive);
  pipe.send_raw(record.substr(0, record.size() / 2));
  CHECK(wait_connections(server, 0));
  CHECK(server.http_metrics.clients_slow == 1);
}

TEST_CASE("client limits: abandoned TLS handshakes make room for others") {
  const TlsSite site;
  Front::Limits limits;
  limits.handshakes = {.all = 4, .per_client = 4};
  limits.handshake_under_pressure = 100ms;
  const ServedTable server(limits, {}, system_clock(), nullptr, {}, &site.context);
  constexpr std::string_view kBegun("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11);
  const std::size_t before = ::mallinfo2().uordblks;
  std::vector<Client> begun;
  for (int i = 0; i < 200; ++i) {
    begun.emplace_back(server.port, 0, nullptr);
    begun.back().send(kBegun);
  }
  REQUIRE(wait_connections(server, 200));
  let_pass(200ms);
  // Four handshakes, 45 KB each, and the connections; not 200 handshakes.
  CHECK(::mallinfo2().uordblks - before < 1'000'000);
  const TlsDialer dialer;
  const TimePoint start = system_clock().now();
  CHECK(is_served(Client(server.port, 0, &dialer, kOther)));
  CHECK(system_clock().now() - start < 5s);
}

TEST_CASE("client limits: one client's TLS handshakes wait for each other, another's do not") {
  const TlsSite site;
  Front::Limits limits;
  limits.head = 3s;
  limits.handshakes = {.all = 100, .per_client = 2};
  const ServedTable server(limits, {}, system_clock(), nullptr, {}, &site.context);
  constexpr std::string_view kBegun("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11);
  std::vector<Client> begun;
  for (int i = 0; i < 2; ++i) {
    begun.emplace_back(server.port, 0, nullptr);
    begun.back().send(kBegun);
  }
  REQUIRE(wait_connections(server, 2));
  const TlsDialer dialer;
  CHECK(is_served(Client(server.port, 0, &dialer, kOther)));
  CHECK(server.http_metrics.tls_handshake_failures == 0);
  let_pass(1500ms);
  CHECK(is_served(Client(server.port, 0, &dialer)));  // Once the others' time is up.
  // The first that is over makes room, perhaps before the second is.
  CHECK(ServedTable::wait_until([&] { return server.http_metrics.tls_handshake_failures == 2; }));
}

TEST_CASE("client limits: behind a trusted proxy each request counts for the client it names") {
  Front::Limits limits = limits_of({.places = 1, .connections = 1});
  ServedTable server(limits, {}, system_clock(), nullptr, {}, testing::usual_tls(),
                     TrustedProxies({*AddressRange::parse("127.0.0.0/8")}));
  server.apply(defined("a", 1));
  const auto held_for = [](const std::string& client) {
    return kHeld.substr(0, kHeld.size() - 2) + "X-Forwarded-For: 6.6.6.6, " + client + "\r\n\r\n";
  };
  Client one = server.dial();
  one.send(held_for("192.0.2.1"));
  REQUIRE(server.wait_parked(1));
  Client two = server.dial();
  two.send(held_for("192.0.2.2:4711"));
  REQUIRE(server.wait_parked(2));
  Client again = server.dial();
  again.send(held_for("192.0.2.1"));
  CHECK(again.response().starts_with("HTTP/1.1 429 "));
  again.send(held_for("[2001:db8::1]:1"));  // The same connection, another client.
  REQUIRE(server.wait_parked(3));
  Client six = server.dial();
  six.send(held_for("2001:db8::2"));  // The same /64.
  CHECK(six.response().starts_with("HTTP/1.1 429 "));
  server.apply(happened("a", 2, EventKind::kCompleted, "x"));
  for (Client* const client : {&one, &two, &again}) CHECK(is_200(client->response()));
  // All places were given back to those that had taken them.
  server.apply(defined("a", 3));
  server.apply(defined("b", 4));
  std::string held_b = held_for("192.0.2.1");
  held_b.replace(held_b.find("/job/a"), 6, "/job/b");
  one.send(held_b);
  REQUIRE(server.wait_parked(1));
}

TEST_CASE("client limits: only a trusted proxy can name the client of a request") {
  ServedTable server(limits_of({.places = 1}), {}, system_clock(), nullptr, {},
                     testing::usual_tls(), TrustedProxies({*AddressRange::parse("127.0.0.9")}));
  server.apply(defined("a", 1));
  const std::string held = kHeld.substr(0, kHeld.size() - 2) + "X-Forwarded-For: 192.0.2.1\r\n\r\n";
  Client one = server.dial();
  one.send(kHeld);
  REQUIRE(server.wait_parked(1));
  Client two = server.dial();
  two.send(held);
  CHECK(two.response().starts_with("HTTP/1.1 429 "));
}

}  // namespace bide
