// HTTP/2 to the letter of RFC 9113, and clients that do not keep to it.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/http2_client.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::defined;
using testing::happened;
using testing::Http2Client;
using testing::ServedTable;
using Fields = Http2Client::Fields;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A client and its socket.
struct Dialled {
  explicit Dialled(ServedTable& server, std::optional<std::uint32_t> window = std::nullopt)
      : socket(server.dial()),
        http2([this](std::string_view bytes) { socket.send_raw(bytes); }, window) {}

  // Reads until `holds`. False: the server closed, or 10 s were over.
  template <typename Holds>
  bool until(Holds&& holds) {
    while (!holds()) {
      if (!socket.more()) return false;
      latest = std::exchange(socket.received(), {});
      if (!http2.take(latest)) return false;
    }
    return true;
  }
  Http2Client::Answer& answer(std::int32_t id) {
    REQUIRE(until([&] { return http2.of(id).ended.has_value(); }));
    return http2.of(id);
  }
  Http2Client::Answer& ask(const std::string& target, Fields more = {},
                           const std::string& method = "GET", const std::string& content = "") {
    return answer(http2.ask(Http2Client::get(target, std::move(more), method), content));
  }
  bool closed() {
    return !until([] { return false; }) && socket.at_end();
  }

  Client socket;
  Http2Client http2;
  std::string latest;  // Of the server's bytes.
};

std::string frame(int type, int flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift);
  return bytes.append(payload);
}

// A header block without compression.
std::string block_of(const Fields& fields) {
  std::string block;
  const auto text = [&](const std::string& of) {
    std::size_t size = of.size();
    if (size < 127) {
      block += static_cast<char>(size);
    } else {
      block += 127;
      for (size -= 127; size >= 128; size /= 128) block += static_cast<char>(size % 128 + 128);
      block += static_cast<char>(size);
    }
    block += of;
  };
  for (const auto& [name, value] : fields) {
    block += '\0';
    text(name);
    text(value);
  }
  return block;
}

constexpr int kHeaders = 1, kPriority = 2, kSettings = 4, kPing = 6, kGoaway = 7, kContinuation = 9,
              kData = 0;
constexpr int kEndStream = 1, kEndHeaders = 4;

std::string request(std::uint32_t stream, const Fields& fields, bool ended = true) {
  return frame(kHeaders, kEndHeaders | (ended ? kEndStream : 0), stream, block_of(fields));
}

// Bytes that nghttp2's client would not send, and how the server takes them.
struct Raw {
  explicit Raw(ServedTable& server) : socket(server.dial()) {
    socket.send_raw(std::string(kPreface) + frame(kSettings, 0, 0, ""));
  }
  // The error of its GOAWAY, or of the stream's RST_STREAM; -1: it closed without.
  int error(std::uint32_t stream = 0) {
    std::string& bytes = socket.received();
    constexpr int kRst = 3;
    constexpr std::size_t kHead = 9;
    for (;;) {
      while (bytes.size() < kHead || bytes.size() < kHead + size_of(bytes)) {
        if (!socket.more()) return -1;
      }
      const std::string payload = bytes.substr(kHead, size_of(bytes));
      const int type = bytes[3];
      const std::uint32_t of = number(bytes, 5);
      bytes.erase(0, kHead + payload.size());
      if (stream == 0 && type == kGoaway) return static_cast<int>(number(payload, 4));
      if (stream != 0 && type == kRst && of == stream) return static_cast<int>(number(payload, 0));
    }
  }
  static std::size_t size_of(const std::string& bytes) { return number(bytes, 0) >> 8; }
  static std::uint32_t number(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return value;
  }
  Client socket;
};

Definition large(std::size_t bytes) {
  Definition definition;
  definition.operation = "{\"blob\":\"" + std::string(bytes, 'x') + "\"}";
  return definition;
}

}  // namespace

TEST_CASE("http2: GET, HEAD, 304, 404, with the fields that HTTP/1.1 has, in lower case") {
  ServedTable server;
  server.apply(defined("a", 1));
  Dialled client(server);
  const Http2Client::Answer job = client.ask("/job/a");
  CHECK(job.status == 200);
  CHECK(job.field("bide-status") == "submitted");
  CHECK(job.field("content-length") == std::to_string(job.body.size()));
  CHECK(job.field("date").ends_with(" GMT"));
  CHECK(job.field("connection").empty());
  const Http2Client::Answer head = client.ask("/job/a", {}, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(head.field("content-length") == job.field("content-length"));
  const Http2Client::Answer same = client.ask("/job/a", {{"if-none-match", job.field("etag")}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(client.ask("/job/b").status == 404);
  CHECK(client.http2.settings.at(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) == 1000);
  CHECK(client.http2.goodbyes.empty());
}

TEST_CASE("http2: many are held on one connection, and each is answered for itself") {
  ServedTable server;
  constexpr int kHeld = 500;
  for (Revision i = 1; i <= kHeld; ++i) server.apply(defined("j" + std::to_string(i), i));
  Dialled client(server);
  REQUIRE(client.until([&] { return !client.http2.settings.empty(); }));
  std::vector<std::int32_t> ids;
  for (int i = 1; i <= kHeld; ++i) {
    ids.push_back(client.http2.ask(
        Http2Client::get("/job/j" + std::to_string(i) + "?until=done&wait=30s"), "", false, false));
  }
  client.http2.flush();
  CHECK(server.wait_parked(kHeld));
  CHECK(client.ask("/livez").status == 200);  // And the connection goes on.
  for (int i = kHeld; i >= 1; --i) {
    server.apply(happened("j" + std::to_string(i), static_cast<Revision>(2 * kHeld + 1 - i),
                          EventKind::kCompleted, "a"));
  }
  for (int i = 1; i <= kHeld; ++i) {
    const Http2Client::Answer& answer = client.answer(ids[static_cast<std::size_t>(i - 1)]);
    CHECK(answer.status == 200);
    CHECK(answer.field("bide-outcome") == "done");
    CHECK(answer.body.find("\"id\":\"j" + std::to_string(i) + "\"") != std::string::npos);
  }
  CHECK(server.connections() == 1);
}

TEST_CASE(
    "http2: thousands on one connection are answered in rounds, or freed if the client leaves") {
  Front::Limits limits;
  limits.streams = 5'000;
  constexpr std::size_t kHeld = 3'000;
  for (const bool leaves : {false, true}) {
    ServedTable server(limits);
    server.apply(defined("a", 1));
    Dialled client(server);
    REQUIRE(client.until([&] { return !client.http2.settings.empty(); }));
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < kHeld; ++i) {
      ids.push_back(
          client.http2.ask(Http2Client::get("/job/a?until=done&wait=30s"), "", false, false));
    }
    client.http2.flush();
    REQUIRE(server.wait_parked(kHeld));
    server.apply(happened("a", 2, EventKind::kCompleted, "b"));
    if (leaves) {
      client.socket.reset();
      CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
    } else {
      for (const std::int32_t id : ids) CHECK(client.answer(id).status == 200);
    }
    CHECK(server.wait_parked(0));
    CHECK(ServedTable::wait_until([&] { return server.unread_bytes() == 0; }));
  }
}

TEST_CASE("http2: who takes a request back is not held any more, and who leaves takes all back") {
  ServedTable server;
  server.apply(defined("a", 1));
  {
    Dialled client(server);
    const std::int32_t first = client.http2.ask(Http2Client::get("/job/a?until=done&wait=30s"));
    client.http2.ask(Http2Client::get("/job/a?until=done&wait=30s"));
    client.http2.ask(Http2Client::get("/job/a/events"));
    CHECK(server.wait_parked(3));
    client.http2.reset(first);
    CHECK(server.wait_parked(2));
  }
  CHECK(server.wait_parked(0));
  CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
  CHECK(server.http_metrics.clients_gone == 3);
}

TEST_CASE("http2: a stream of events has no chunks, and ends with its job") {
  ServedTable server;
  server.apply(defined("a", 1));
  Dialled client(server);
  const std::int32_t id = client.http2.ask(Http2Client::get("/job/a/events"));
  CHECK(client.until(
      [&] { return client.http2.of(id).body.find("submitted") != std::string::npos; }));
  CHECK(client.http2.of(id).body.starts_with("retry: 2000\nevent: hello\n"));
  CHECK(client.http2.of(id).field("content-type") == "text/event-stream; charset=utf-8");
  server.apply(happened("a", 2, EventKind::kCompleted, "b"));
  const Http2Client::Answer& answer = client.answer(id);
  CHECK(answer.ended == NGHTTP2_NO_ERROR);
  CHECK(answer.body.ends_with("event: end\ndata: {\"status\":\"completed\",\"final\":true}\n\n"));
}

TEST_CASE("http2: a stream that does not read gets the newest state, and its neighbours go on") {
  ServedTable server;
  server.apply(defined("a", 1));
  Dialled client(server, 60);  // Too small for the first record.
  const std::int32_t slow = client.http2.ask(Http2Client::get("/job/a/events"));
  REQUIRE(client.until([&] { return client.http2.of(slow).body.size() == 60; }));
  for (Revision i = 2; i <= 50; ++i) {
    Entry entry = happened("a", i, EventKind::kStarted, "b");
    entry.key_rest = "started.b.1";
    server.apply(entry);
  }
  const std::int32_t other = client.http2.ask(Http2Client::get("/job/a"));
  REQUIRE(client.until([&] { return client.http2.of(other).headed; }));
  client.http2.widen(slow, 100'000);
  std::string& body = client.http2.of(slow).body;
  REQUIRE(client.until([&] { return body.find("\"revision\":50}") != std::string::npos; }));
  std::size_t records = 0;
  for (std::size_t at = 0; (at = body.find("event: job\n", at)) != std::string::npos; ++at)
    ++records;
  CHECK(records <= 2);  // The one that it had begun, and the newest.
}

TEST_CASE("http2: a large answer waits for the client's window, and others pass it") {
  ServedTable server;
  server.apply(defined("big", 1, large(300'000)));
  Dialled client(server);
  const std::int32_t big = client.http2.ask(Http2Client::get("/job/big"));
  CHECK(client.ask("/livez").status == 200);
  CHECK(client.ask("/job/nobody").status == 404);
  const Http2Client::Answer& answer = client.answer(big);
  CHECK(answer.status == 200);
  CHECK(answer.body.size() > 300'000);
  CHECK(ServedTable::wait_until([&] { return server.unread_bytes() == 0; }));
}

TEST_CASE("http2: requests that HTTP/1.1 refuses are refused with the same status") {
  ServedTable server;
  Dialled client(server);
  CHECK(client.ask("/" + std::string(12'288, 'a')).status == 414);
  Fields many;
  for (int i = 0; i < 101; ++i) many.emplace_back("x-" + std::to_string(i), "1");
  CHECK(client.ask("/livez", many).status == 431);
  CHECK(client.ask("/livez", {{"x", std::string(24'600, 'x')}}).status == 431);
  CHECK(client.ask("/livez", {{"host", "other"}}).status == 400);
  CHECK(client.ask("/livez", {{"host", "test"}}).status == 200);
  CHECK(client.ask("/livez", {{"expect", "something"}}).status == 417);
  CHECK(client.ask("/livez", {}, std::string(33, 'M')).status == 501);
  CHECK(client.ask("/livez", {}, "BREW").status == 501);
  CHECK(client.ask("/job/%zz").status == 400);
  CHECK(client.ask("/job/a", {}, "POST", "x").status == 405);
  const Http2Client::Answer too_long = client.ask("/job", {{"content-type", "application/json"}},
                                                  "POST", std::string(1'100'000, 'x'));
  CHECK(too_long.status == 413);
  CHECK(client.ask("/livez").status == 200);
}

TEST_CASE("http2: what breaks RFC 9113 ends the stream or the connection") {
  ServedTable server;
  const Fields get = Http2Client::get("/livez");
  const auto without = [&](std::string_view name) {
    Fields fields = get;
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return fields;
  };
  const auto with = [&](const std::string& name, const std::string& value) {
    Fields fields = get;
    fields.emplace_back(name, value);
    return fields;
  };
  const std::vector<Fields> malformed = {without(":method"),
                                         without(":path"),
                                         without(":scheme"),
                                         with(":path", "/livez"),
                                         with(":status", "200"),
                                         with(":unknown", "x"),
                                         with("Upper", "x"),
                                         with("connection", "close"),
                                         with("transfer-encoding", "chunked"),
                                         with("upgrade", "websocket"),
                                         with("te", "gzip"),
                                         with("x", "a\nb"),
                                         with("x", std::string("a\0b", 3)),
                                         with("content-length", "1"),
                                         with("content-length", "-1")};
  for (const Fields& fields : malformed) {
    Raw client(server);
    client.socket.send_raw(request(1, fields));
    CHECK(client.error(1) == NGHTTP2_PROTOCOL_ERROR);
  }
  struct Case {
    std::string bytes;
    int error;
  };
  const std::vector<Case> cases = {
      {frame(kSettings, 0, 0, "abc"), NGHTTP2_FRAME_SIZE_ERROR},
      {frame(kPing, 0, 0, "abc"), NGHTTP2_FRAME_SIZE_ERROR},
      {frame(kPing, 0, 1, "abcdefgh"), NGHTTP2_PROTOCOL_ERROR},
      {frame(kData, 0, 0, "x"), NGHTTP2_PROTOCOL_ERROR},
      {frame(kData, 0, 1, "x"), NGHTTP2_PROTOCOL_ERROR},
      {frame(kHeaders, kEndHeaders | kEndStream, 2, block_of(get)), NGHTTP2_PROTOCOL_ERROR},
      {frame(kHeaders, kEndHeaders | kEndStream, 1, "\xFF\xFF\xFF\xFF"), NGHTTP2_COMPRESSION_ERROR},
      {frame(kHeaders, kEndStream, 1, block_of(get)) + frame(kPing, 0, 0, "abcdefgh"),
       NGHTTP2_PROTOCOL_ERROR},
      {frame(kContinuation, 0, 1, "x"), NGHTTP2_PROTOCOL_ERROR},
      {frame(kData, 0, 1, std::string(17'000, 'x')), NGHTTP2_FRAME_SIZE_ERROR},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    Raw client(server);
    client.socket.send_raw(cases[i].bytes);
    const int error = client.error();
    CHECK((error == cases[i].error || error == NGHTTP2_PROTOCOL_ERROR));
  }
  CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
}

TEST_CASE("http2: floods end the connection, with ENHANCE_YOUR_CALM or another error") {
  ServedTable server;
  const auto error_of = [&](const std::string& bytes, int times) {
    Raw client(server);
    std::string many;
    for (int i = 0; i < times; ++i) many += bytes;
    client.socket.send_raw(many);
    return client.error();
  };
  CHECK(error_of(frame(kSettings, 0, 0, ""), 20'000) > 0);
  CHECK(error_of(frame(kPriority, 0, 1, std::string(5, '\0')), 20'000) > 0);
  CHECK(error_of(frame(8, 0, 0, std::string("\0\0\0\1", 4)), 20'000) > 0);
  // PINGs whose answers are not read.
  CHECK(error_of(frame(kPing, 0, 0, "abcdefgh"), 20'000) > 0);
  // CVE-2023-44487.
  std::string resets;
  for (std::uint32_t id = 1; id < 12'000; id += 2) {
    resets += request(id, Http2Client::get("/job/x?until=done&wait=30s"));
    resets += frame(3, 0, id, std::string(4, '\0'));
  }
  CHECK(error_of(resets, 1) > 0);
  // CVE-2024-27316.
  std::string continuations = frame(kHeaders, 0, 1, block_of(Http2Client::get("/livez")));
  for (int i = 0; i < 1000; ++i) {
    continuations += frame(kContinuation, 0, 1, block_of({{"x", std::string(60, 'x')}}));
  }
  CHECK(error_of(continuations, 1) > 0);
  // A block that names a large field again and again.
  std::string bomb = block_of(Http2Client::get("/livez"));
  bomb += '\x40';
  bomb += std::string("\1x", 2) + std::string("\x7f\x81\x1e", 3) + std::string(3968, 'y');
  bomb += std::string(12'000, '\xbe');
  CHECK(error_of(frame(kHeaders, kEndHeaders | kEndStream, 1, bomb), 1) > 0);
  CHECK(server.wait_parked(0));
  CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
}

TEST_CASE("http2: more exchanges than may be open at a time are refused") {
  Front::Limits limits;
  limits.streams = 10;
  ServedTable server(limits);
  server.apply(defined("a", 1));
  Raw client(server);
  std::string requests;
  for (std::uint32_t id = 1; id <= 21; id += 2) {
    requests += request(id, Http2Client::get("/job/a?until=done&wait=30s"));
  }
  client.socket.send_raw(requests);
  CHECK(client.error(21) == NGHTTP2_REFUSED_STREAM);
  CHECK(server.table.parked() == 10);
}

TEST_CASE("http2: one client's places are counted over its connections") {
  Front::Limits limits;
  limits.per_client.places = 5;
  ServedTable server(limits);
  server.apply(defined("a", 1));
  const Fields wait = Http2Client::get("/job/a?until=done&wait=30s");
  Dialled one(server);
  for (int i = 0; i < 4; ++i) one.http2.ask(wait);
  CHECK(server.wait_parked(4));
  Dialled other(server);
  other.http2.ask(wait);
  CHECK(server.wait_parked(5));
  CHECK(other.answer(other.http2.ask(wait)).status == 429);
}

TEST_CASE("http2: answers that are not taken end in time") {
  Front::Limits limits;
  limits.write = 1'000ms;
  ServedTable server(limits);
  server.apply(defined("big", 1, large(300'000)));
  Dialled client(server, 0);
  const std::int32_t id = client.http2.ask(Http2Client::get("/job/big"));
  const Http2Client::Answer& answer = client.answer(id);
  CHECK(answer.status == 200);
  CHECK(answer.ended == NGHTTP2_CANCEL);
  CHECK(server.unread_bytes() == 0);
  // So it is for who takes a byte now and then.
  const std::int32_t other = client.http2.ask(Http2Client::get("/job/big"));
  while (!client.http2.of(other).ended) {
    client.http2.widen(other, 1);
    if (!client.socket.more()) break;
    CHECK(client.http2.take(std::exchange(client.socket.received(), {})));
  }
  CHECK(client.http2.of(other).ended == NGHTTP2_CANCEL);
}

TEST_CASE("http2: contents that do not arrive in time are 408, heads end the connection") {
  Front::Limits limits;
  limits.body = 1'000ms;
  limits.head = 1'000ms;
  ServedTable server(limits);
  Dialled client(server);
  const std::int32_t id = client.http2.ask(
      Http2Client::get("/job", {{"content-type", "application/json"}}, "POST"), "{", true);
  CHECK(client.answer(id).status == 408);
  CHECK(client.ask("/livez").status == 200);
  Raw half(server);
  half.socket.send_raw(frame(kHeaders, kEndStream, 1, block_of(Http2Client::get("/livez"))));
  CHECK(half.error() >= 0);
  Client silent = server.dial();  // Only the preface, and no SETTINGS.
  silent.send_raw(kPreface);
  while (silent.more()) {
  }
  CHECK(ServedTable::wait_until([&] { return server.connections() == 1; }));
}

TEST_CASE("http2: an idle connection is told to go, and then closed") {
  Front::Limits limits;
  limits.idle = 500ms;
  ServedTable server(limits);
  Dialled client(server);
  CHECK(client.ask("/livez").status == 200);
  CHECK(client.closed());
  REQUIRE(client.http2.goodbyes.size() == 1);
  CHECK(client.http2.goodbyes[0].error == NGHTTP2_NO_ERROR);
}

TEST_CASE("http2: draining answers all that are held, says GOAWAY twice, and closes") {
  ServedTable server;
  server.apply(defined("a", 1));
  Dialled client(server);
  const std::int32_t held = client.http2.ask(Http2Client::get("/job/a?until=done&wait=30s"));
  const std::int32_t events = client.http2.ask(Http2Client::get("/job/a/events"));
  CHECK(server.wait_parked(2));
  std::thread drainer([&] { server.drain(); });
  CHECK(client.answer(held).field("bide-outcome") == "drain");
  CHECK(client.answer(events).ended == NGHTTP2_NO_ERROR);
  CHECK(client.closed());
  drainer.join();
  REQUIRE_FALSE(client.http2.goodbyes.empty());
  CHECK(client.http2.goodbyes[0].last_stream == 0x7FFFFFFF);
  // nghttp2's client does not look at the other one, because all its exchanges are over.
  CHECK(client.latest == frame(kGoaway, 0, 0, std::string("\0\0\0\3\0\0\0\0", 8)));
  CHECK(events == 3);
  CHECK(server.connections() == 0);
}

TEST_CASE("http2: with no streams allowed it is not spoken") {
  Front::Limits limits;
  limits.streams = 0;
  ServedTable server(limits);
  Client client = server.dial();
  client.send_raw(kPreface);
  CHECK(client.response().starts_with("HTTP/1.1 505 "));
}

TEST_CASE("http2: the preface may come in pieces, and only at the beginning") {
  ServedTable server;
  {
    Client client = server.dial();
    client.send_at_once();
    for (const char byte : kPreface) client.send_raw({&byte, 1});
    client.send_raw(frame(kSettings, 0, 0, "") + request(1, Http2Client::get("/livez")));
    while (client.received().find("ok\n") == std::string::npos) REQUIRE(client.more());
  }
  Client client = server.dial();
  client.send_raw("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kPreface));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
  CHECK(client.response().starts_with("HTTP/1.1 505 "));
}

}  // namespace bide
