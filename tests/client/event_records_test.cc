#include "client/event_records.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

namespace {

constexpr std::string_view kStream =
    "retry: 2000\nevent: hello\ndata: {}\n\n: hb\n\nevent: job\r\nid: t-1\r\ndata: "
    "{\"a\":1}\r\n\r\n"
    "data:x\ndata: y\n\nevent: cut";
constexpr std::string_view kRecords = "hello||{}\njob|t-1|{\"a\":1}\n||x\ny\n";

}  // namespace

TEST_CASE("event_records: the same records wherever the stream is cut") {
  for (std::size_t cut = 0; cut <= kStream.size(); ++cut) {
    CAPTURE(cut);
    EventRecords records;
    std::string seen;
    const auto take = [&](const EventRecords::Record& record) {
      seen += record.event + "|" + record.id + "|" + record.data + "\n";
      return true;
    };
    CHECK(records.feed(kStream.substr(0, cut), take));
    CHECK(records.feed(kStream.substr(cut), take));
    CHECK(seen == kRecords);
  }
}

TEST_CASE("event_records: the reader can end the stream") {
  EventRecords records;
  CHECK(!records.feed(kStream, [](const EventRecords::Record&) { return false; }));
}
