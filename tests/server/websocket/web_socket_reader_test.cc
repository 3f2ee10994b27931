#include "server/websocket/web_socket_reader.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/server/websocket/web_socket_client.h"
#include "tests/server/websocket/web_socket_talk.h"

namespace bide {
namespace {

using namespace std::string_literals;
using State = WebSocket::State;

}  // namespace

TEST_CASE("web_socket_reader: the examples of RFC 6455 section 5.7") {
  CHECK(talk_every_way("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").messages ==
        std::vector{"Hello"s});
  // A ping with a masked body, as a client sends it: section 5.7's pong is this one's answer.
  const Talk ping = talk_every_way("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  CHECK(ping.out == "\x8a\x05Hello");
  std::string head;
  WebSocket::append_text_head(head, 5);
  CHECK(head + "Hello" == "\x81\x05Hello");
  // The unmasked ones are a server's, and a client's fault.
  check_fails("\x81\x05\x48\x65\x6c\x6c\x6f", 1002);
  check_fails("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", 1002);
}

TEST_CASE("web_socket_reader: messages of each kind, in one frame or many, empty ones too") {
  CHECK(talk_every_way(client_frame(Opcode::kBinary, "\0\xFF"s)).messages ==
        std::vector{"binary:\0\xFF"s});
  CHECK(talk_every_way(client_frame(Opcode::kText, "")).messages == std::vector{""s});
  CHECK(talk_every_way(client_fragments(Opcode::kText, {"Hel", "", "lo"})).messages ==
        std::vector{"Hello"s});
  CHECK(talk_every_way(client_fragments(Opcode::kBinary, {"", "\xC3", ""})).messages ==
        std::vector{"binary:\xC3"s});
  const Talk several = talk_every_way(kHello + client_frame(Opcode::kBinary, "x") + kHello);
  CHECK(several.messages == std::vector{"Hello"s, "binary:x"s, "Hello"s});
  CHECK(several.out.empty());
  CHECK(several.state == State::kOpen);
}

TEST_CASE("web_socket_reader: payloads around each form of the length") {
  for (const std::size_t bytes : {125U, 126U, 127U, 8'192U}) {
    std::string payload(bytes, 'x');
    payload.front() = 'a';
    payload.back() = 'z';
    const std::string frame = client_frame(Opcode::kText, payload);
    CHECK(talk(frame + kHello).messages == std::vector{payload, "Hello"s});
    const Talk bytewise = talk_bytewise(frame);
    CHECK(bytewise.messages == std::vector{payload});
    CHECK(bytewise.idle);
  }
}

TEST_CASE("web_socket_reader: reserved bits and opcodes, and frames without a mask, are 1002") {
  for (const unsigned reserved : {1U, 2U, 4U, 7U}) {
    check_fails(client_frame(Opcode::kText, "x", {.reserved = reserved}), 1002);
    check_fails(client_frame(Opcode::kPing, "", {.reserved = reserved}), 1002);
  }
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    check_fails(client_frame(opcode, "x"), 1002);
    check_fails(client_frame(opcode, ""), 1002);
  }
  for (const Opcode opcode : {Opcode::kText, Opcode::kBinary, Opcode::kClose, Opcode::kPing}) {
    check_fails(client_frame(opcode, "", {.masked = false}), 1002);
  }
  // Once a message has begun, too.
  const std::string begun = client_frame(Opcode::kText, "a", {.fin = false});
  check_fails(begun + client_frame(Opcode::kContinuation, "b", {.masked = false}), 1002);
  check_fails(begun + client_frame(Opcode::kContinuation, "b", {.reserved = 4}), 1002);
}

TEST_CASE("web_socket_reader: control frames that are fragmented or over 125 bytes are 1002") {
  const std::string long_payload(126, 'x');
  for (const Opcode opcode : {Opcode::kClose, Opcode::kPing, Opcode::kPong}) {
    check_fails(client_frame(opcode, "", {.fin = false}), 1002);
    check_fails(client_frame(opcode, long_payload), 1002);
    check_fails(client_frame(opcode, "x", {.length_bytes = 8}), 1002);
  }
}

TEST_CASE(
    "web_socket_reader: lengths not in their shortest form, or with the highest bit, are 1002") {
  check_fails(client_frame(Opcode::kText, "Hello", {.length_bytes = 2}), 1002);
  check_fails(client_frame(Opcode::kText, std::string(125, 'x'), {.length_bytes = 2}), 1002);
  check_fails(client_frame(Opcode::kText, std::string(126, 'x'), {.length_bytes = 8}), 1002);
  check_fails(client_frame(Opcode::kText, "x", {.announced_bytes = 1ULL << 63U}), 1002);
}

TEST_CASE("web_socket_reader: a continuation of nothing, and a message within another, are 1002") {
  const std::string begun = client_frame(Opcode::kText, "a", {.fin = false});
  const std::string begun_empty = client_frame(Opcode::kBinary, "", {.fin = false});
  check_fails(client_frame(Opcode::kContinuation, "x"), 1002);
  check_fails(client_frame(Opcode::kContinuation, "", {.fin = false}), 1002);
  check_fails(begun + kHello, 1002);
  check_fails(begun + client_frame(Opcode::kBinary, ""), 1002);
  check_fails(begun_empty + kHello, 1002);
  const Talk after = talk_every_way(kHello + client_frame(Opcode::kContinuation, "x"));
  CHECK(after.messages == std::vector{"Hello"s});
  CHECK(after.close_code() == 1002);
}

TEST_CASE("web_socket_reader: text that is not UTF-8 is 1007, binary may be anything") {
  check_fails(client_frame(Opcode::kText, "a\xFF"), 1007);
  check_fails(client_frame(Opcode::kText, "\xC3"), 1007);  // Ends within a character.
  check_fails(client_fragments(Opcode::kText, {"\xE2", "\x82", ""}), 1007);
  check_fails(client_fragments(Opcode::kText, {"\xE2", "\x82", "x"}), 1007);
  check_fails(client_frame(Opcode::kText, "\xED\xA0\x80"), 1007);
  const std::string euro = "\xE2\x82\xAC";
  CHECK(talk_every_way(client_fragments(Opcode::kText, {"\xE2", "\x82", "\xAC"})).messages ==
        std::vector{euro});
  CHECK(talk_every_way(client_frame(Opcode::kBinary, "\xFF")).state == State::kOpen);
  // The character may wait for what comes between.
  const std::string between = client_frame(Opcode::kText, "\xE2\x82", {.fin = false}) +
                              client_frame(Opcode::kPing, "\xAC") +
                              client_frame(Opcode::kContinuation, "\xAC");
  CHECK(talk_every_way(between).messages == std::vector{euro});
}

TEST_CASE("web_socket_reader: text that cannot become UTF-8 is refused before its end is here") {
  const std::string frame =
      client_frame(Opcode::kText, "a\xED\xA0", {.fin = false, .announced_bytes = 1000});
  const std::string_view view = frame;
  CHECK(talk(view.substr(0, view.size() - 1)).state == State::kOpen);
  check_fails(view, 1007);
}

TEST_CASE("web_socket_reader: a message may have 8 KiB, in as many fragments as it likes") {
  const std::string half(WebSocket::kMessageBytesMax / 2, 'x');
  CHECK(talk(client_fragments(Opcode::kText, {half, half})).messages == std::vector{half + half});
  const Talk more = talk(client_fragments(Opcode::kText, {half, half, "x"}));
  CHECK(more.close_code() == 1009);
  CHECK(more.messages.empty());

  std::string bytewise = client_frame(Opcode::kText, "x", {.fin = false});
  for (std::size_t i = 2; i < WebSocket::kMessageBytesMax; ++i) {
    bytewise += client_frame(Opcode::kContinuation, "x", {.fin = false});
  }
  CHECK(talk(bytewise + client_frame(Opcode::kContinuation, "x")).messages ==
        std::vector{half + half});
  CHECK(talk(bytewise + client_fragments(Opcode::kContinuation, {"x", "x"})).close_code() == 1009);
  // Each message begins anew.
  const std::string most = client_frame(Opcode::kText, half + half);
  CHECK(talk(most + most).messages.size() == 2);
}

TEST_CASE("web_socket_reader: a message that is announced as too large is 1009 at its head") {
  const std::string begun = client_frame(Opcode::kBinary, "a", {.fin = false});
  for (const std::uint64_t bytes : {8'193ULL, 65'537ULL, 1ULL << 40U, (1ULL << 63U) - 1}) {
    // Without a byte of the payload, nor of the mask.
    const std::size_t head = bytes < 65'536 ? 4 : 10;
    for (const std::string& before : {""s, begun}) {
      const bool goes_on = !before.empty();
      const std::string frame = client_frame(goes_on ? Opcode::kContinuation : Opcode::kText, "x",
                                             {.announced_bytes = bytes});
      check_fails(before + frame, 1009);
      check_fails(before + frame.substr(0, head), 1009);
      CHECK(talk(before + frame.substr(0, head - 1)).state == State::kOpen);
    }
  }
  const Talk after = talk_every_way(
      kHello + client_frame(Opcode::kText, "x", {.announced_bytes = 8'193}).substr(0, 4));
  CHECK(after.messages == std::vector{"Hello"s});
  CHECK(after.close_code() == 1009);
  // Fragments are announced one by one, and counted together.
  const std::string most = client_frame(Opcode::kText, std::string(8'192, 'x'), {.fin = false});
  CHECK(talk(most + client_frame(Opcode::kContinuation, "")).messages.size() == 1);
  check_fails(most + client_frame(Opcode::kContinuation, "x").substr(0, 2), 1009);
  const std::string half =
      client_frame(Opcode::kBinary, "", {.announced_bytes = 8'192}).substr(0, 8);
  CHECK(talk(half + std::string(8'191, 'x')).state == State::kOpen);
}

TEST_CASE("web_socket_reader: another limit is as sharp") {
  for (const std::uint32_t limit : {0U, 1U, 125U, 65'535U, 65'536U, 200'000U}) {
    const std::string most(limit, 'x');
    WebSocket socket(limit);
    CHECK(talk(socket, {client_frame(Opcode::kText, most), client_frame(Opcode::kText, most)})
              .messages == std::vector{most, most});
    CHECK(talk(socket, {client_frame(Opcode::kText, most + "x")}).close_code() == 1009);
  }
}

TEST_CASE("web_socket_reader: empty fragments without end cost nothing") {
  WebSocket socket;
  std::string fragments = client_frame(Opcode::kText, "a", {.fin = false});
  CHECK(talk(socket, {fragments}).out.empty());
  fragments.clear();
  for (int i = 0; i < 100'000; ++i) {
    fragments += client_frame(Opcode::kContinuation, "", {.fin = false});
  }
  const Talk empty = talk(socket, {fragments});
  CHECK(empty.out.empty());
  CHECK_FALSE(empty.idle);
  CHECK(talk(socket, {client_frame(Opcode::kContinuation, "b")}).messages == std::vector{"ab"s});
}

TEST_CASE("web_socket_reader: random mutations never crash, and never depend on the cuts") {
  std::mt19937 random(7);
  const std::vector<std::string> corpus = {
      kHello,
      client_fragments(Opcode::kText, {"a\xE2", "\x82", "\xAC"}),
      client_frame(Opcode::kBinary, std::string(130, '\xFF')),
      client_frame(Opcode::kPong, "pong"),
      client_close(1000, "bye \xC3\xA9"),
  };
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (int i = 0; i < 3; ++i) bytes += corpus[random() % corpus.size()];
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t place = random() % bytes.size();
      if (random() % 3 == 0) {
        bytes.erase(place, 1);
      } else {
        bytes[place] = static_cast<char>(bytes[place] ^ 1 << random() % 8);
      }
    }
    Talk whole = talk(bytes);
    Talk cut = talk_bytewise(bytes);
    // A mutation may have made several pings: pongs are as many as the reads ask for.
    if (whole.out.size() < 140) {
      CHECK(whole.messages == cut.messages);
      CHECK(whole.state == cut.state);
      CHECK(whole.close_code() == cut.close_code());
    }
    CHECK(whole.out.size() <= 256);
  }
}

}  // namespace bide
