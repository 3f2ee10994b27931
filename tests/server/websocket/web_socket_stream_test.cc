// What the client of a stream says by WebSocket, on the real front: heard while parked, answered,
// and never worth more than its own connection.
#include "server/websocket/web_socket_stream.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using testing::defined;
using testing::happened;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::Told;

const std::string kAuth = R"({"auth":"a token"})";

// One job, and a stream of it that waits for news.
struct Talk {
  Talk() : reader(begin()) {}

  StreamReader begin() {
    server.apply(defined("build-7", 1));
    StreamReader opened(server, Road::kSocket, "build-7");
    CHECK(opened.gist() == "hello");
    CHECK(opened.gist() == "job submitted");
    REQUIRE(server.wait_parked(1));
    return opened;
  }
  void say(std::string_view frames) { reader.client().send(frames); }
  // A ping whose pong shows that all before it has been taken without a word.
  void check_heard() {
    say(client_frame(Opcode::kPing, "heard?"));
    CHECK(reader.next() == Told{.event = "pong", .data = "heard?"});
    CHECK(server.wait_parked(1));
  }
  // That the conversation is over, with this code, and nobody is parked any more.
  void check_closed(const std::string& code) {
    CHECK(reader.gist() == "close " + code);
    CHECK(server.wait_parked(0));
    reader.client().close();
    CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
  }

  ServedTable server;
  StreamReader reader;
};

}  // namespace

TEST_CASE("web_socket_stream: a ping is answered while parked, and the stream goes on") {
  Talk talk;
  for (int i = 0; i < 100; ++i) talk.check_heard();
  talk.server.apply(happened("build-7", 2, EventKind::kCompleted, "a"));
  CHECK(talk.reader.gist() == "job completed");
  CHECK(talk.reader.gist() == "end completed");
  talk.check_closed("1000");
}

TEST_CASE(
    "web_socket_stream: a token is taken however it is cut, and is no reason to say anything") {
  Talk talk;
  talk.say(client_frame(Opcode::kText, kAuth));
  talk.say(client_fragments(Opcode::kText, {"{\"auth\"", "", ":\"a tok", "en\"}"}));
  for (const char byte : client_frame(Opcode::kText, kAuth, {.mask_key = "\1\2\3\4"})) {
    talk.say({&byte, 1});
  }
  talk.say(client_frame(Opcode::kText, R"({"auth":)", {.fin = false}) +
           client_frame(Opcode::kPing, "between") +
           client_frame(Opcode::kContinuation, "\"" + std::string(8'000, 't') + "\"}"));
  CHECK(talk.reader.next() == Told{.event = "pong", .data = "between"});
  talk.check_heard();
  talk.server.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  CHECK(talk.reader.gist() == "job processing");
}

TEST_CASE("web_socket_stream: anything but a token is against the policy") {
  for (const std::string& text : std::vector<std::string>{
           "", "hello", "{}", "[]", "null", R"({"auth":1})", R"({"auth":"a","more":1})",
           R"({"auth":"a","auth":"a"})", R"({"auth":"a"}{"auth":"a"})", R"({"auth":"a")",
           R"({"auth":["a"]})", std::string("{\"auth\":\"a\"}\0x", 14), std::string(8'000, '[')}) {
    CAPTURE(text.substr(0, 30));
    Talk talk;
    talk.say(client_frame(Opcode::kText, text));
    talk.check_closed("1008");
  }
  Talk talk;
  talk.say(client_frame(Opcode::kBinary, kAuth));
  talk.check_closed("1008");
}

TEST_CASE("web_socket_stream: a message of more than 8 KiB is refused at its head") {
  Talk talk;
  talk.say(client_frame(Opcode::kText, "", {.announced_bytes = 8'193}).substr(0, 4));
  talk.check_closed("1009");
}

// RapidJSON's conversion to a double reads outside its table for the first of these.
TEST_CASE("web_socket_stream: no number ends more than its own connection") {
  for (const std::string number : {"0.0000000000000e-2147483639", "-0.0000000000000e-2147483639",
                                   "1e309", "-1e999999999", "0e999999999", "1e-999999999"}) {
    CAPTURE(number);
    Talk talk;
    talk.say(client_frame(Opcode::kText, R"({"auth":)" + number + "}"));
    talk.check_closed("1008");
  }
  Talk talk;
  talk.say(client_frame(Opcode::kText, R"({"auth":)" + std::string(4'000, '9') + "}"));
  talk.check_closed("1008");
}

TEST_CASE("web_socket_stream: what breaks the protocol closes with its code") {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {client_frame(Opcode::kText, std::string(65'537, 'x')), "1009"},
      {client_frame(Opcode::kText, "x", {.announced_bytes = 1ULL << 40}), "1009"},
      {client_fragments(Opcode::kText, {std::string(40'000, 'x'), std::string(40'000, 'x')}),
       "1009"},
      {client_frame(Opcode::kText, "\xC3\x28"), "1007"},
      {client_frame(Opcode::kText, "\xF5", {.fin = false}), "1007"},
      {client_frame(Opcode::kText, kAuth, {.masked = false}), "1002"},
      {client_frame(Opcode::kText, kAuth, {.reserved = 4}), "1002"},
      {client_frame(Opcode::kContinuation, kAuth), "1002"},
      {client_frame(0x3U, kAuth), "1002"},
      {client_frame(Opcode::kPing, std::string(126, 'x')), "1002"},
      {"GET /job/build-7 HTTP/1.1\r\nHost: test\r\n\r\n", "1002"}};
  for (const auto& broken : kCases) {
    CAPTURE(broken.first.substr(0, 30));
    Talk talk;
    talk.say(broken.first);
    talk.check_closed(broken.second);
  }
}

TEST_CASE("web_socket_stream: the client's close is echoed, and what comes behind is not heard") {
  for (const unsigned code : {1000U, 1001U, 3000U, 4999U}) {
    Talk talk;
    talk.say(client_close(code, "bye") + client_frame(Opcode::kPing, "late"));
    talk.check_closed(std::to_string(code));
  }
  Talk talk;
  talk.say(client_frame(Opcode::kClose, ""));
  talk.check_closed("0");
}

TEST_CASE(
    "web_socket_stream: what comes right behind the handshake is heard before the first state") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  const std::string request = testing::stream_request(Road::kSocket, "build-7");
  StreamReader talking(
      server.dial(), Road::kSocket,
      request + client_frame(Opcode::kText, kAuth) + client_frame(Opcode::kPing, "early"));
  CHECK(talking.gist() == "hello");
  CHECK(talking.next() == Told{.event = "pong", .data = "early"});
  CHECK(talking.gist() == "job submitted");
  StreamReader rude(server.dial(), Road::kSocket, request + client_frame(Opcode::kText, "hello"));
  CHECK(rude.gist() == "hello");
  CHECK(rude.gist() == "close 1008");
}

TEST_CASE("web_socket_stream: a first frame in two reads is one frame") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  const std::string ping = client_frame(Opcode::kPing, "cut");
  for (std::size_t cut = 1; cut < ping.size(); ++cut) {
    StreamReader reader(server.dial(), Road::kSocket,
                        testing::stream_request(Road::kSocket, "build-7") + ping.substr(0, cut));
    CHECK(reader.gist() == "hello");
    CHECK(reader.gist() == "job submitted");
    reader.client().send(ping.substr(cut));
    CHECK(reader.next() == Told{.event = "pong", .data = "cut"});
  }
}

TEST_CASE("web_socket_stream: pings without end do not keep the news away") {
  Talk talk;
  std::string pings;
  for (int i = 0; i < 3'000; ++i) pings += client_frame(Opcode::kPing, "again");
  talk.say(pings);
  talk.server.apply(happened("build-7", 2, EventKind::kStarted, "a"));
  talk.say(pings);
  Told told;
  while ((told = talk.reader.next()).event == "pong") CHECK(told.data == "again");
  CHECK(told.gist() == "job processing");
}

TEST_CASE("web_socket_stream: a handshake that is wrong is refused, and the next one is welcome") {
  ServedTable server;
  server.apply(defined("build-7", 1));
  testing::Client client = server.dial();
  std::string bad = testing::stream_request(Road::kSocket, "build-7");
  bad.replace(bad.find("Version: 13"), 11, "Version: 12");
  client.send(bad);
  CHECK(client.response().starts_with("HTTP/1.1 426 "));
  StreamReader reader(std::move(client), Road::kSocket,
                      testing::stream_request(Road::kSocket, "build-7", "",
                                              "Sec-WebSocket-Protocol: bide.v1, bearer.x\r\n"));
  CHECK(reader.head.find("Sec-WebSocket-Protocol: bide.v1\r\n") != std::string::npos);
  CHECK(reader.head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
        std::string::npos);
  CHECK(reader.gist() == "hello");
  CHECK(reader.gist() == "job submitted");
}

}  // namespace bide
