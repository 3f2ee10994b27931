#include "bench/load/event_reader.h"

#include <doctest/doctest.h>

#include <string>

namespace bench::load {
namespace {

std::string told(EventReader& reader) {
  std::string told;
  while (const auto event = reader.take()) {
    told.append(event->type).append("|").append(event->data).append("|").append(event->id) += ";";
  }
  return told;
}

const std::string kStream =
    "retry: 2000\nevent: open\ndata: {\"heartbeat_seconds\":15}\n\n"
    ": hb\n\n"
    "event: job\nid: 1-7-ab\ndata:{\"a\":\ndata: 1}\n\n"
    "event: nothing\n\n"
    "data: x\r\n\r\n";
const std::string kTold =
    "open|{\"heartbeat_seconds\":15}|;||;job|{\"a\":\n1}|1-7-ab;message|x|1-7-ab;";

TEST_CASE("event reader: events come out whole, however they were cut into reads") {
  for (std::size_t cut = 0; cut <= kStream.size(); ++cut) {
    CAPTURE(cut);
    EventReader reader;
    std::string all;
    for (const std::string& read : {kStream.substr(0, cut), kStream.substr(cut)}) {
      reader.buffer() += read;
      all += told(reader);
    }
    CHECK(all == kTold);
    CHECK(reader.retry() == std::chrono::milliseconds(2000));
  }
}

TEST_CASE("event reader: an event that is not ended by an empty line is not handed out") {
  EventReader reader;
  reader.buffer() += "event: job\ndata: x\n";
  CHECK(told(reader).empty());
}

TEST_CASE("chunk reader: the body comes out, however the chunks were cut into reads") {
  const std::string coded = "5\r\nhello\r\nA;name=value\r\n, 2\r\nlines\r\n0\r\nField: x\r\n\r\n";
  for (std::size_t cut = 0; cut <= coded.size(); ++cut) {
    CAPTURE(cut);
    ChunkReader reader;
    std::string body;
    reader.feed(coded.substr(0, cut), body);
    CHECK(reader.is_over() == (cut == coded.size()));
    reader.feed(coded.substr(cut), body);
    CHECK(reader.is_over());
    CHECK(body == "hello, 2\r\nlines");
  }
}

}  // namespace
}  // namespace bench::load
