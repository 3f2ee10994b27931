#include "bench/load/frame_reader.h"

#include <doctest/doctest.h>

#include <string>

namespace bench::load {
namespace {

std::string frame(unsigned first_byte, const std::string& payload) {
  std::string out(1, static_cast<char>(first_byte));
  const std::size_t size = payload.size();
  if (size < 126) {
    out += static_cast<char>(size);
  } else if (size < 65536) {
    out.append({126, static_cast<char>(size >> 8U), static_cast<char>(size)});
  } else {
    out.append({127, 0, 0, 0, 0, 0, static_cast<char>(size >> 16U), static_cast<char>(size >> 8U),
                static_cast<char>(size)});
  }
  return out + payload;
}

// Opcode, size and first byte of each message.
std::string told(FrameReader& reader) {
  std::string told;
  while (const auto message = reader.take()) {
    told += std::to_string(static_cast<int>(message->opcode)) + ":";
    told +=
        std::to_string(message->payload.size()) + std::string(message->payload.substr(0, 3)) + ";";
  }
  return told;
}

TEST_CASE("frame reader: messages come out whole, however they were cut into reads") {
  const std::string sent = frame(0x81, "hello") + frame(0x89, "p") + frame(0x01, "ab") +
                           frame(0x89, "in between") + frame(0x00, "cd") + frame(0x80, "ef") +
                           frame(0x81, std::string(126, 'x')) + frame(0x88, "\x03\xe8");
  const std::string expected = "1:5hel;9:1p;9:10in ;1:6abc;1:126xxx;8:2\x03\xe8;";
  for (std::size_t cut = 0; cut <= sent.size(); ++cut) {
    CAPTURE(cut);
    FrameReader reader;
    reader.feed(sent.substr(0, cut));
    std::string all = told(reader);
    reader.feed(sent.substr(cut));
    all += told(reader);
    CHECK(all == expected);
  }
}

TEST_CASE("frame reader: lengths of seven, sixteen and sixty-four bits") {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 200000U}) {
    CAPTURE(size);
    FrameReader reader;
    reader.feed(frame(0x81, std::string(size, 'x')));
    const auto message = reader.take();
    REQUIRE(message);
    CHECK(message->payload == std::string(size, 'x'));
    CHECK_FALSE(reader.take());
  }
}

TEST_CASE("frame reader: a client's frame is RFC 6455's own example") {
  CHECK(client_frame(Opcode::kText, "Hello") == "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

}  // namespace
}  // namespace bench::load
