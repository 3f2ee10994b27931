#include "server/websocket/web_socket.h"

#include <doctest/doctest.h>

#include "tests/server/websocket/web_socket_client.h"
#include "tests/server/websocket/web_socket_talk.h"

namespace bide {
namespace {

using namespace std::string_literals;
using State = WebSocket::State;

}  // namespace

TEST_CASE("web_socket: text heads around each form of the length") {
  for (const std::uint64_t bytes : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 200'000U}) {
    std::string out;
    WebSocket::append_text_head(out, bytes);
    const auto frames = server_frames(out.append(bytes, 'x'));
    REQUIRE(frames.size() == 1);
    CHECK(frames[0] == ServerFrame{Opcode::kText, std::string(bytes, 'x')});
  }
  std::string out;
  WebSocket::append_text_head(out, 0x0102030405060708);
  CHECK(out == "\x81\x7f\x01\x02\x03\x04\x05\x06\x07\x08");
}

TEST_CASE("web_socket: a ping is answered with its payload, between fragments too") {
  for (const std::string& payload : {""s, "\0\xFF"s, std::string(125, 'p')}) {
    const Talk answered = talk_every_way(client_frame(Opcode::kPing, payload));
    CHECK(answered.frames() == std::vector{ServerFrame{Opcode::kPong, payload}});
  }
  const Talk between =
      talk_every_way(client_frame(Opcode::kText, "a", {.fin = false}) +
                     client_frame(Opcode::kPing, "p") + client_frame(Opcode::kContinuation, "b"));
  CHECK(between.messages == std::vector{"ab"s});
  CHECK(between.frames() == std::vector{ServerFrame{Opcode::kPong, "p"}});
}

TEST_CASE("web_socket: every ping is answered, in its place, with less than it took") {
  std::string pings;
  std::vector<ServerFrame> pongs;
  for (int i = 0; i < 100; ++i) {
    pings += client_frame(Opcode::kPing, std::to_string(i));
    pongs.push_back({Opcode::kPong, std::to_string(i)});
  }
  const Talk answered = talk_every_way(pings);
  CHECK(answered.frames() == pongs);
  CHECK(answered.out.size() < pings.size());
  const Talk closed =
      talk_every_way(pings + client_close(1000) + client_frame(Opcode::kPing, "late"));
  const Talk failed = talk_every_way(pings + client_frame(Opcode::kContinuation, "x"));
  pongs.push_back({Opcode::kClose, close_payload(1000)});
  CHECK(closed.frames() == pongs);
  pongs.back().payload = close_payload(1002);
  CHECK(failed.frames() == pongs);
}

TEST_CASE("web_socket: a ping before a message is answered before that is heard") {
  WebSocket socket;
  std::string out;
  const auto echo = [&](std::string_view payload, bool) {
    WebSocket::append_text_head(out, payload.size());
    out += payload;
  };
  const std::string ping = client_frame(Opcode::kPing, "p");
  socket.receive(client_frame(Opcode::kText, "a", {.fin = false}) + ping +
                     client_frame(Opcode::kContinuation, "b") + ping,
                 out, echo);
  CHECK(server_frames(out) == std::vector{ServerFrame{Opcode::kPong, "p"},
                                          ServerFrame{Opcode::kText, "ab"},
                                          ServerFrame{Opcode::kPong, "p"}});
}

TEST_CASE("web_socket: pongs need no answer, whether asked for or not") {
  WebSocket socket;
  std::string out;
  socket.append_ping(out);
  CHECK(server_frames(out) == std::vector{ServerFrame{Opcode::kPing, ""}});
  CHECK(talk(socket, {client_frame(Opcode::kPong, "")}) == Talk{});
  CHECK(talk_every_way(client_frame(Opcode::kPong, "unasked")) == Talk{});
}

TEST_CASE("web_socket: the client's close is echoed, and all that follows ignored") {
  CHECK(talk_every_way(client_frame(Opcode::kClose, "")).out == "\x88\0"s);
  for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 1012U,
                              1013U, 1014U, 3000U, 3999U, 4000U, 4999U}) {
    const Talk closed =
        talk_every_way(client_close(code) + kHello + client_frame(Opcode::kPing, "") + "\xFF\xFF");
    CHECK(closed.messages.empty());
    CHECK(closed.state == State::kClosed);
    CHECK(closed.frames() == std::vector{ServerFrame{Opcode::kClose, close_payload(code)}});
  }
  const Talk reasoned = talk_every_way(client_close(1000, "\xC3\xA9\xC3\xA9\xE2\x82\xAC"));
  CHECK(reasoned.close_code() == 1000);
  CHECK(talk_every_way(client_close(1000, std::string(123, 'x'))).close_code() == 1000);
  // Even within a message.
  const std::string begun = client_frame(Opcode::kText, "\xC3", {.fin = false});
  CHECK(talk_every_way(begun + client_close(1001)).close_code() == 1001);
}

TEST_CASE("web_socket: close codes that may not be sent are 1002, half a code too") {
  for (const unsigned code :
       {0U, 1U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 1100U, 2000U, 2999U, 5000U, 65'535U}) {
    check_fails(client_close(code), 1002);
    check_fails(client_close(code, "\xFF"), 1002);
  }
  check_fails(client_frame(Opcode::kClose, "\x03"), 1002);
  check_fails(client_frame(Opcode::kClose, "\x0C"), 1002);
}

TEST_CASE("web_socket: a close reason that is not UTF-8 is 1007, however it is cut") {
  for (const char* reason : {"\xFF", "xx\xFF", "x\xC3", "\xC3x", "\xED\xA0\x80"}) {
    check_fails(client_close(1000, reason), 1007);
  }
}

TEST_CASE("web_socket: after our close the client's is awaited, messages are dropped") {
  WebSocket socket;
  std::string out;
  socket.append_close(out, CloseCode::kGoingAway, "drain");
  CHECK(server_frames(out) ==
        std::vector{ServerFrame{Opcode::kClose, close_payload(1001, "drain")}});
  CHECK(socket.state() == State::kClosing);
  socket.append_close(out, CloseCode::kNormal, "");
  socket.append_ping(out);
  CHECK(server_frames(out).size() == 1);

  const Talk waiting = talk(socket, {kHello, client_frame(Opcode::kPing, "p")});
  CHECK(waiting.state == State::kClosing);
  CHECK(waiting.messages.empty());
  CHECK(waiting.frames() == std::vector{ServerFrame{Opcode::kPong, "p"}});
  const Talk done = talk(socket, {client_close(1001)});
  CHECK(done.state == State::kClosed);
  CHECK(done.out.empty());
}

TEST_CASE("web_socket: a client that breaks the protocol after our close gets no second one") {
  WebSocket socket;
  std::string out;
  socket.append_close(out, CloseCode::kNormal, "");
  const Talk broken = talk(socket, {client_frame(Opcode::kText, "x", {.masked = false})});
  CHECK(broken.state == State::kClosed);
  CHECK(broken.out.empty());
}

TEST_CASE("web_socket: a message may be answered with a close, and is the last then") {
  WebSocket socket;
  std::string out;
  int messages = 0;
  const auto refuse = [&](std::string_view, bool) {
    ++messages;
    socket.append_close(out, CloseCode::kPolicyViolation, "unknown message");
  };
  const std::string ping = client_frame(Opcode::kPing, "p");
  CHECK(socket.receive(ping + kHello + kHello, out, refuse) == State::kClosing);
  CHECK(messages == 1);
  CHECK(server_frames(out) ==
        std::vector{ServerFrame{Opcode::kPong, "p"},
                    ServerFrame{Opcode::kClose, close_payload(1008, "unknown message")}});
  CHECK(socket.receive(client_close(1008), out, refuse) == State::kClosed);
}

TEST_CASE("web_socket: the longest reason fits a control frame") {
  WebSocket socket;
  std::string out;
  socket.append_close(out, CloseCode::kTryAgainLater, std::string(123, 'r'));
  CHECK(server_frames(out) ==
        std::vector{ServerFrame{Opcode::kClose, close_payload(1013, std::string(123, 'r'))}});
}

TEST_CASE("web_socket: idle means neither within a frame nor within a message") {
  CHECK(sizeof(WebSocket) <= 16);
  const std::string bytes = client_fragments(Opcode::kText, {"Hello", std::string(300, 'x')}) +
                            client_frame(Opcode::kPing, "p") +
                            client_frame(Opcode::kBinary, std::string(8'192, 'x'));
  const std::string_view view = bytes;
  const std::size_t message_end = 6 + 5 + 8 + 300;
  const std::size_t ping_end = message_end + 6 + 1;
  for (std::size_t length = 0; length < ping_end + 100; ++length) {
    CHECK(talk(view.substr(0, length)).idle ==
          (length == 0 || length == message_end || length == ping_end));
  }
  CHECK(talk(view).idle);
}

}  // namespace bide
