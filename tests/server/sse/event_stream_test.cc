#include "server/sse/event_stream.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/http/response_head.h"

namespace bide {
namespace {

using namespace std::string_literals;

constexpr EntityTag kTag{.epoch = 0x18A, .revision = 7, .hash = 0x0123456789ABCDEF};

std::string written(const Stream& stream, std::string_view event, const EntityTag* tag,
                    std::string_view data) {
  std::string head;
  std::string tail;
  stream.wrap({event, tag, data.size()}, head, tail);
  return head.append(data).append(tail);
}

// One chunk, of RFC 9112 section 7.1, laid out by hand.
std::string chunk(const std::string& size_in_hex, const std::string& text) {
  return size_in_hex + "\r\n" + text + "\r\n";
}

}  // namespace

TEST_CASE("event_stream: the head says what it is, and that nobody may keep or change it") {
  for (const bool chunked : {true, false}) {
    std::string head;
    append_stream_head(head, EventStream(chunked).take_head());
    const std::size_t date = head.find("Date: ");
    REQUIRE(date != std::string::npos);
    head.erase(date, head.find("\r\n", date) + 2 - date);
    CHECK(head ==
          "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store, no-transform\r\n"
          "Content-Type: text/event-stream; charset=utf-8\r\nX-Accel-Buffering: no\r\n"s +
              "X-Content-Type-Options: nosniff\r\n" +
              (chunked ? "Transfer-Encoding: chunked\r\n" : "") + "\r\n");
  }
}

TEST_CASE("event_stream: the opening record says when to come back") {
  const std::string_view data = "{\"heartbeat_seconds\":15}";
  const std::string text = "retry: 2000\nevent: hello\ndata: {\"heartbeat_seconds\":15}\n\n";
  CHECK(written(EventStream(true), "hello", nullptr, data) == chunk("39", text));
  CHECK(written(EventStream(false), "hello", nullptr, data) == text);
}

TEST_CASE("event_stream: a state has its opaque tag as id, an end has none") {
  const std::string state = "event: job\nid: 18a-7-0123456789abcdef\ndata: {\"id\":\"j\"}\n\n";
  CHECK(written(EventStream(true), "job", &kTag, "{\"id\":\"j\"}") == chunk("38", state));
  CHECK(written(EventStream(false), "job", &kTag, "{\"id\":\"j\"}") == state);
  const std::string end = "event: end\ndata: {}\n\n";
  CHECK(written(EventStream(true), "end", nullptr, "{}") == chunk("15", end));
  CHECK(written(EventStream(false), "end", nullptr, "{}") == end);
}

TEST_CASE("event_stream: data of any size is counted into its chunk") {
  const std::size_t fields = "event: job\ndata: \n\n"s.size();
  for (const auto& [bytes, size_in_hex] : std::vector<std::pair<std::size_t, std::string>>{
           {0x1F, "1f"}, {0x20, "20"}, {0x100000, "100000"}}) {
    const std::string data(bytes - fields, 'x');
    CHECK(written(EventStream(true), "job", nullptr, data) ==
          chunk(size_in_hex, "event: job\ndata: " + data + "\n\n"));
  }
}

TEST_CASE("event_stream: what is there already is kept") {
  std::string head = "before ";
  std::string tail = "between ";
  EventStream(false).wrap({"end", nullptr, 2}, head, tail);
  CHECK(head == "before event: end\ndata: ");
  CHECK(tail == "between \n\n");
}

TEST_CASE("event_stream: the heartbeat is a comment, every 15 seconds, and needs no answer") {
  EventStream chunked(true);
  EventStream plain(false);
  for (int i = 0; i < 3; ++i) {
    std::string out;
    CHECK(chunked.append_heartbeat(out));
    CHECK(out == chunk("6", ": hb\n\n"));
    out.clear();
    CHECK(plain.append_heartbeat(out));
    CHECK(out == ": hb\n\n");
  }
  CHECK(chunked.heartbeat() == std::chrono::seconds(15));
}

TEST_CASE("event_stream: every end is the last chunk, or the connection's end alone") {
  using End = Stream::End;
  for (const End why : {End::kOver, End::kTrouble, End::kProtocol}) {
    std::string out;
    EventStream(true).append_end(out, why);
    CHECK(out == "0\r\n\r\n");
    out.clear();
    EventStream(false).append_end(out, why);
    CHECK(out.empty());
  }
}

TEST_CASE("event_stream: when all streams end together, each is told another time to come back") {
  std::set<int> times;
  for (int i = 0; i < 100; ++i) {
    std::string out;
    EventStream(false).append_end(out, Stream::End::kDrain);
    REQUIRE(out.starts_with("retry: "));
    REQUIRE(out.ends_with("\n\n"));
    times.insert(std::stoi(out.substr(7)));
  }
  CHECK(*times.begin() >= 200);
  CHECK(*times.rbegin() <= 2000);
  CHECK(times.size() > 50);
  CHECK(*times.rbegin() - *times.begin() > 1000);
  std::string out;
  EventStream(true).append_end(out, Stream::End::kDrain);
  CHECK(out.find("\n\n\r\n0\r\n\r\n") == out.size() - 9);
}

TEST_CASE("event_stream: line ends may not travel in data, and the client has no say") {
  EventStream stream(true);
  CHECK_FALSE(stream.takes_lines());
  CHECK_FALSE(stream.listens());
  std::string out;
  CHECK(stream.receive("anything", out, {}));
  CHECK(out.empty());
}

TEST_CASE("event_stream: the end of a token is told, other ends are not") {
  std::string out;
  EventStream(false).append_end(out, Stream::End::kAuth);
  CHECK(out == "event: auth-expired\ndata: {}\n\n");
  out.clear();
  EventStream(true).append_end(out, Stream::End::kAuth);
  CHECK(out == "1e\r\nevent: auth-expired\ndata: {}\n\n\r\n0\r\n\r\n");
  out.clear();
  EventStream(true).append_end(out, Stream::End::kTrouble);
  CHECK(out == "0\r\n\r\n");
}

}  // namespace bide
