#include "server/http1/request_parser.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/server/http1/request_parser_feed.h"

namespace bide {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

// A head of exactly `bytes`.
std::string head_of(std::size_t bytes, std::string_view fields = "") {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "X: ";
  return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
}

std::string repeated(std::size_t count, std::string_view text) {
  std::string all;
  while (count-- > 0) all += text;
  return all;
}

std::string extended_chunk(std::size_t extension_bytes) {
  return "1;" + std::string(extension_bytes - 1, 'e') + "\r\nx\r\n";
}

// Good requests of every kind that the walks below cut and mutate.
const std::vector<std::string>& corpus() {
  static const std::vector<std::string> requests = {
      get("/job/build-7?wait=30s&until=done"),
      get("http://example.org:8080/job/a%20b?x=%41+%2B&x="),
      "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      "\r\nHEAD / HTTP/1.1\r\nHost: [::1]:80\r\nIf-None-Match: \"a\", W/\"b\"\r\nX:\r\n\r\n",
      with_fields("Content-Length: 5\r\n") + "hello",
      with_fields("Expect: 100-continue\r\nContent-Length: 3\r\n") + "abc",
      chunked("5\r\nhello\r\nA;name=\"v\"\r\n0123456789\r\n0\r\n\r\n"),
      chunked("3 ;x\r\nabc\r\n000\r\nTrailer: t\r\nOther: o\r\n\r\n"),
  };
  return requests;
}

}  // namespace

TEST_CASE("request parser: a request becomes method, target, path, query and fields") {
  const Feeding fed = feed(
      "GET /job/a%2Fb?wait=30s&x=1&x=a+b%3D HTTP/1.1\r\nhost: example.org:80\r\n"
      "Accept:\t text/plain \t\r\nPrefer: 100%0D%0A \xE4\r\nAccept: */*\r\n\r\n");
  REQUIRE(fed.requests.size() == 1);
  const Passed& request = fed.requests[0];
  CHECK(request.method == "GET");
  CHECK(request.target == "/job/a%2Fb?wait=30s&x=1&x=a+b%3D");
  CHECK(request.path == "/job/a%2Fb");
  CHECK(request.version == "HTTP/1.1");
  CHECK(request.params == Fields{{"wait", "30s"}, {"x", "1"}, {"x", "a b="}});
  CHECK(request.headers ==
        Fields{{"Accept", "text/plain"}, {"Accept", "*/*"}, {"Prefer", "100%0D%0A \xE4"}});
}

TEST_CASE("request parser: it finds the host that a request is for") {
  struct Row {
    std::string bytes;
    std::optional<std::string_view> host;
  };
  const std::vector<Row> rows = {
      {"GET / HTTP/1.1\r\nHost: \tExample.org:80 \r\n\r\n", "Example.org:80"},
      {"GET / HTTP/1.1\r\nhost: [::1]\r\n\r\n", "[::1]"},
      {"GET http://Real:1/ HTTP/1.1\r\nHost: other\r\n\r\n", "Real:1"},
      {"GET http://real HTTP/1.0\r\n\r\n", "real"},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", ""},
      {"GET / HTTP/1.0\r\n\r\n", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    http::Request request;
    Progress progress;
    CHECK(advance(row.bytes, progress, request).host == row.host);
  }
  // Also where the body came later.
  http::Request request;
  Progress progress;
  const std::string head = with_fields("Content-Length: 1\r\n");
  REQUIRE(advance(head, progress, request).need == Step::Need::kMore);
  CHECK(advance(head + "x", progress, request).host == "a");
}

TEST_CASE("request parser: a request with much content is bulk, once") {
  for (const std::size_t beyond : {std::size_t{0}, std::size_t{1}}) {
    CAPTURE(beyond);
    const std::string content(kContentBytesBeforeBulk + beyond, 'b');
    const std::string whole =
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(content.size()) +
        "\r\n\r\n" + content;
    const std::string behind = get("/behind");
    http::Request request;
    Progress progress;
    std::string left = whole + behind;
    Step step = advance(left, progress, request);
    CHECK((step.need == Step::Need::kBulk) == (beyond > 0));
    if (step.need == Step::Need::kBulk) {
      left = left.substr(0, step.keep_bytes) + left.substr(step.consumed_bytes);
      http::Request other;  // The thread has served another connection since.
      step = advance(left, progress, other);
      request = other;
    }
    REQUIRE(step.need == Step::Need::kComplete);
    CHECK(step.host == "a");
    CHECK(request.path == "/a");
    CHECK(request.body == content);
    CHECK(left.substr(step.consumed_bytes) == behind);
  }
}

TEST_CASE("request parser: content takes the memory of its announced length, and leaves none") {
  const std::string head = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n";
  http::Request request;
  request.body = std::string(1'000'000, 'o');  // Of another connection.
  Progress progress;
  std::size_t most = 0;
  Step step;
  for (int sent = 0; sent < 60'000; sent += 3'000) {
    step = advance(head + std::string(3'000, 'c'), progress, request);
    most = std::max(most, progress.content.capacity());
  }
  CHECK(most == 60'000);
  CHECK(request.body == std::string(60'000, 'c'));
  CHECK(progress.content.capacity() < 100);
}

TEST_CASE("request parser: versions are 1.0 and 1.1, unreserved characters have no escapes") {
  const Feeding fed = feed(
      "GET /%6a%2f%2F%25%2E%7e%20%C3/%41%21%2B%3D HTTP/1.7\r\nHost: a\r\n\r\n"
      "GET /%6a%2f HTTP/1.0\r\n\r\n");
  REQUIRE(fed.requests.size() == 2);
  CHECK(fed.requests[0].version == "HTTP/1.1");
  CHECK(fed.requests[0].path == "/j%2f%2F%25.~%20%C3/A%21%2B%3D");
  CHECK(fed.requests[0].target == "/%6a%2f%2F%25%2E%7e%20%C3/%41%21%2B%3D");
  CHECK(fed.requests[1].version == "HTTP/1.0");
  CHECK(fed.requests[1].path == "/j%2f");
}

TEST_CASE("request parser: the path of an absolute target counts, whatever Host says") {
  for (const char* bytes : {"GET http://real.example/ HTTP/1.1\r\nHost: other\r\n\r\n",
                            "GET HTTPS://real.example?q HTTP/1.1\r\nHost: other\r\n\r\n",
                            "GET http://real.example HTTP/1.0\r\n\r\n"}) {
    const Feeding fed = feed(bytes);
    REQUIRE(fed.requests.size() == 1);
    CHECK(fed.requests[0].path == "/");
    CHECK(fed.requests[0].headers.empty());
  }
}

TEST_CASE("request parser: every way to cut the input in two gives the same verdict") {
  for (const std::string& bytes : corpus()) {
    const Feeding whole = feed(bytes);
    REQUIRE(whole.requests.size() == 1);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      const std::string_view view = bytes;
      CHECK(feed({view.substr(0, cut), view.substr(cut)}).same_verdict(whole));
    }
    CHECK(feed_bytewise(bytes).same_verdict(whole));
  }
}

TEST_CASE("request parser: no truncation of a good request is complete or refused") {
  for (const std::string& bytes : corpus()) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const Feeding fed = feed(std::string_view(bytes).substr(0, length));
      CHECK(fed.requests.empty());
      CHECK(fed.status == 0);
      CHECK(fed.left_bytes == length);
    }
  }
}

TEST_CASE("request parser: random mutations never crash, and never depend on the cuts") {
  std::mt19937 random(7);
  const std::string_view spice("\r\n\0 \t:;,%0aFx/?#\"\x7F\xFF", 19);
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = corpus()[random() % corpus().size()] + corpus()[random() % corpus().size()];
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t place = random() % bytes.size();
      const char byte =
          random() % 4 == 0 ? static_cast<char>(random()) : spice[random() % spice.size()];
      if (random() % 3 == 0) {
        bytes.erase(place, 1);
      } else if (random() % 2 == 0) {
        bytes.insert(place, 1, byte);
      } else {
        bytes[place] = byte;
      }
    }
    CHECK(feed_bytewise(bytes).same_verdict(feed(bytes)));
  }
}

TEST_CASE("request parser: pipelined requests come out one by one, in order") {
  std::string bytes;
  for (const std::string& request : corpus()) bytes += request;
  const Feeding fed = feed(bytes);
  REQUIRE(fed.requests.size() == corpus().size());
  CHECK(fed.left_bytes == 0);
  CHECK(fed.requests[0].path == "/job/build-7");
  CHECK(fed.requests[4].method == "HEAD");
  CHECK(feed_bytewise(bytes).same_verdict(fed));
}

TEST_CASE("request parser: a body is dropped as it comes, its head is kept") {
  const std::string head = with_fields("Content-Length: 100000\r\n");
  const std::string part(10'000, 'b');
  std::vector<std::string_view> reads = {head};
  for (int i = 0; i < 10; ++i) reads.emplace_back(part);
  const Feeding fed = feed(reads);
  REQUIRE(fed.requests.size() == 1);
  CHECK(fed.buffer_peak == head.size());
}

TEST_CASE("request parser: a client that waits for 100 Continue is told once") {
  const std::string head = with_fields("Expect: 100-Continue\r\nContent-Length: 2\r\n");
  CHECK(feed({head, "a", "b"}).continues == 1);
  CHECK(feed_bytewise(head + "ab").continues == 1);
  CHECK(feed(head + "a").continues == 0);  // It did not wait.
  CHECK(feed(head + "ab").continues == 0);
  CHECK(feed(with_fields("Expect: 100-continue\r\n")).continues == 0);  // No body to wait for.
  CHECK(feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").continues ==
        0);
}

TEST_CASE("request parser: the connection lives on as RFC 9112 section 9.3 says") {
  struct Row {
    const char* version;
    std::string fields;
    bool lives;
  };
  const std::vector<Row> rows = {
      {"HTTP/1.1", "", true},
      {"HTTP/1.1", "Connection: close\r\n", false},
      {"HTTP/1.1", "connection: te,CLOSE ,x\r\n", false},
      {"HTTP/1.1", "Connection: keep-alive\r\nConnection: Close\r\n", false},
      {"HTTP/1.1", "Connection: closed, Upgrade\r\n", true},
      {"HTTP/1.0", "", false},
      {"HTTP/1.0", "Connection: x, Keep-Alive\r\n", true},
      {"HTTP/1.0", "Connection: keep-alive, close\r\n", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.version);
    CAPTURE(row.fields);
    http::Request request;
    Progress progress;
    const std::string bytes =
        "GET / " + std::string(row.version) + "\r\nHost: a\r\n" + row.fields + "\r\n";
    REQUIRE(advance(bytes, progress, request).need == Step::Need::kComplete);
    CHECK(keep_alive(request) == row.lives);
  }
}

TEST_CASE("request parser: every limit, at its edge and one beyond") {
  constexpr int kMore = 100;  // Neither complete nor refused.
  const std::string rest = " / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  const std::string half_chunk = "80000\r\n" + std::string(0x80000, 'b') + "\r\n";
  struct Row {
    const char* limit;
    int verdict;  // 200: complete.
    std::string bytes;
  };
  const std::vector<Row> rows = {
      {"method: 32 bytes", 200, std::string(32, 'M') + rest},
      {"method", 501, std::string(33, 'M') + rest},
      {"method", 501, std::string(100'000, 'M')},
      {"target: 12288 bytes", 200, get("/" + std::string(12287, 'a'))},
      {"target", 414, get("/" + std::string(12288, 'a'))},
      {"target", kMore, "GET /" + std::string(12287, 'a')},
      {"target, before the line is complete", 414, "GET /" + std::string(12288, 'a')},
      {"target", 414, "GET /" + std::string(100'000, 'a')},
      {"head: 24576 bytes", 200, head_of(24576)},
      {"head", 431, head_of(24577)},
      {"head", kMore, head_of(30'000).substr(0, 24575)},
      {"head, before it is complete", 431, head_of(30'000).substr(0, 24576)},
      {"head", 431, head_of(200'000)},
      {"fields: 100", 200, with_fields(repeated(99, "X: x\r\n"))},
      {"fields", 431, with_fields(repeated(100, "X: x\r\n"))},
      {"fields, trailers among them", 200, chunked("0\r\n" + repeated(98, "T: t\r\n") + "\r\n")},
      {"fields, trailers among them", 431, chunked("0\r\n" + repeated(99, "T: t\r\n") + "\r\n")},
      {"head, and the last chunk", 200, head_of(24576, coding) + "0\r\n\r\n"},
      {"head, trailers, one empty line", 200, head_of(24576 - 6, coding) + "0\r\nT: t\r\n\r\n"},
      {"head, trailers, one empty line", 431, head_of(24576 - 5, coding) + "0\r\nT: t\r\n\r\n"},
      {"length: 1 MiB", 200,
       with_fields("Content-Length: 1048576\r\n") + std::string(1 << 20, 'b')},
      {"length", 413, with_fields("Content-Length: 1048577\r\n")},
      {"length", 413, with_fields("Content-Length: 9999999999999999999\r\n")},
      {"chunks: 1 MiB together", 200, chunked(half_chunk + half_chunk + "0\r\n\r\n")},
      {"chunks, before the byte itself", 413, chunked(half_chunk + half_chunk + "1\r")},
      {"chunk", kMore, chunked("100000\r\n")},
      {"chunk", 413, chunked("100001\r\n")},
      {"chunk", 413, chunked("FFFFFFFF\r\n")},
      {"extensions: 4096 bytes together", 200,
       chunked(extended_chunk(2048) + extended_chunk(2048) + "0\r\n\r\n")},
      {"extensions", 413, chunked(extended_chunk(2048) + extended_chunk(2049) + "0\r\n\r\n")},
      {"extensions", 413, chunked("1" + std::string(5000, ' '))},
  };
  for (const Row& row : rows) {
    CAPTURE(row.limit);
    CAPTURE(row.bytes.size());
    const Feeding fed = feed(row.bytes);
    const int complete = fed.requests.size() == 1 ? 200 : kMore;
    CHECK((fed.status == 0 ? complete : fed.status) == row.verdict);
    if (row.bytes.size() < 40'000) CHECK(feed_bytewise(row.bytes).same_verdict(fed));
  }
}

}  // namespace bide
