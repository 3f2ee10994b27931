#include <doctest/doctest.h>

#include <string>

#include "bench/load/stream_answers.h"

namespace bench::load {
namespace {

constexpr auto kTagField = "abc-7-0123456789abcdef";

// Status, tag, revision and what becomes of the connection, for each answer until it closes.
std::string told(AnswerReader& reader) {
  std::string told;
  while (const auto answer = reader.take()) {
    told += std::to_string(answer->status) + std::string(answer->tag);
    if (answer->revision != 0) told += "/" + std::to_string(answer->revision);
    told += answer->more_follow ? "+" : answer->closes ? "." : "";
    told += answer->final ? "!" : "";
    if (answer->closes) break;
  }
  return told;
}

// As told by two reads, cut anywhere; the cases are checked to agree.
template <class Reader>
std::string told_of(const std::string& sent) {
  std::string expected;
  for (std::size_t cut = 0; cut <= sent.size(); ++cut) {
    CAPTURE(cut);
    Reader reader;
    reader.feed(sent.substr(0, cut));
    std::string all = told(reader);
    reader.feed(sent.substr(cut));
    if (all.find('.') == all.npos) all += told(reader);  // Nobody reads behind the end.
    if (cut == 0) expected = all;
    CHECK(all == expected);
  }
  return expected;
}

std::string chunk(const std::string& data) {
  std::string hex;
  for (std::size_t rest = data.size(); rest > 0; rest /= 16)
    hex.insert(0, 1, "0123456789abcdef"[rest % 16]);
  return hex + "\r\n" + data + "\r\n";
}

const std::string kSseHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kOpen = chunk("retry: 2000\nevent: hello\ndata: {}\n\n");
const std::string kJob = chunk(std::string("event: job\nid: ") + kTagField + "\ndata: {}\n\n");

TEST_CASE("event answers: a state, a heartbeat, the end") {
  CHECK(told_of<EventAnswers>(kSseHead + kOpen + kJob + chunk(": hb\n\n") +
                              chunk("event: end\ndata: {\"final\":true}\n\n") + "0\r\n\r\n") ==
        "102+200\"abc-7-0123456789abcdef\"/7+102+204.!");
}

TEST_CASE("event answers: a body that ends without `end` is to be asked for again, after `retry`") {
  EventAnswers reader;
  reader.feed(kSseHead + kOpen + "0\r\n\r\n");
  CHECK(reader.take()->reconnect_after == std::chrono::milliseconds(2000));
  CHECK(told(reader) == "503.");
}

TEST_CASE("event answers: a job that is gone") {
  CHECK(told_of<EventAnswers>(kSseHead + chunk("event: gone\ndata: {\"id\":\"a\"}\n\n")) == "404.");
}

TEST_CASE("event answers: what is not a stream is a response like any, on a connection used up") {
  CHECK(told_of<EventAnswers>("HTTP/1.1 204 No Content\r\n\r\n") == "204.");
  CHECK(told_of<EventAnswers>("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}") == "404.");
}

const std::string kWsHead =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::string frame(unsigned first_byte, const std::string& payload) {
  return std::string{static_cast<char>(first_byte), static_cast<char>(payload.size())} + payload;
}
std::string text(const std::string& record) { return frame(0x81, record); }
std::string close(unsigned code) {
  return frame(0x88, {static_cast<char>(code >> 8U), static_cast<char>(code)});
}

const std::string kWsJob =
    text(std::string(R"({"event":"job","id":")") + kTagField + R"(","data":{}})");
const std::string kWsEnd = text(R"({"event":"end","data":{"status":"completed","final":true}})");

TEST_CASE("socket answers: a state, a ping, the end once the server has closed") {
  const std::string sent =
      kWsHead + text(R"({"event":"hello","data":{}})") + kWsJob + frame(0x89, "now") + kWsEnd;
  CHECK(told_of<SocketAnswers>(sent) == "102+200\"abc-7-0123456789abcdef\"/7+102+102+");
  CHECK(told_of<SocketAnswers>(sent + close(1000)).ends_with("102+204.!"));
}

TEST_CASE("socket answers: a ping is answered with its payload, a close with its code") {
  SocketAnswers reader;
  reader.feed(kWsHead + frame(0x89, "Hello"));
  CHECK(reader.take());
  CHECK(reader.take_replies() == "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  CHECK(reader.take_replies().empty());
  reader.feed(close(1001));
  CHECK(reader.take());
  CHECK(reader.take_replies() == "\x88\x82\x37\xfa\x21\x3d\x34\x13");
}

TEST_CASE("socket answers: what a close says") {
  CHECK(told_of<SocketAnswers>(kWsHead + text(R"({"event":"gone","data":{}})") + close(1000)) ==
        "102+404.");
  CHECK(told_of<SocketAnswers>(kWsHead + close(1001)) == "503.");
  CHECK(told_of<SocketAnswers>(kWsHead + close(1013)) == "503.");
  CHECK(told_of<SocketAnswers>(kWsHead + close(1008)) == "401.");
  CHECK(told_of<SocketAnswers>(kWsHead + close(1002)) == "0.");
}

TEST_CASE("socket answers: a handshake that is refused") {
  CHECK(told_of<SocketAnswers>("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n") == "503.");
}

}  // namespace
}  // namespace bench::load
