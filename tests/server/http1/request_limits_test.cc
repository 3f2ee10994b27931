// Every limit of the airlock, at its edge and one beyond.
#include <doctest/doctest.h>

#include <string>

#include "tests/server/http1/airlock_feed.h"

namespace bide {
namespace {

std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

// A head of exactly `bytes`.
std::string head_of(std::size_t bytes, std::string_view fields = "") {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "X: ";
  return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
}

std::string with_field_count(int count) {
  std::string fields;
  for (int i = 1; i < count; ++i) fields += "X: " + std::to_string(i) + "\r\n";
  return with_fields(fields);
}

}  // namespace

TEST_CASE("request_limits: the target has 12288 bytes at most") {
  CHECK(feed(get("/" + std::string(12287, 'a'))).requests.size() == 1);
  CHECK(feed(get("/" + std::string(12288, 'a'))).status == 414);
  CHECK(feed("GET /" + std::string(12287, 'a')).status == 0);
  CHECK(feed("GET /" + std::string(12288, 'a')).status == 414);  // Before the line is complete.
  CHECK(feed("GET /" + std::string(100'000, 'a')).status == 414);
}

TEST_CASE("request_limits: the head has 24576 bytes at most") {
  CHECK(feed(head_of(24576)).requests.size() == 1);
  CHECK(feed(head_of(24577)).status == 431);
  CHECK(feed_bytewise(head_of(24576)).requests.size() == 1);
  CHECK(feed_bytewise(head_of(24577)).status == 431);
  CHECK(feed(head_of(30'000).substr(0, 24575)).status == 0);
  CHECK(feed(head_of(30'000).substr(0, 24576)).status == 431);  // Before it is complete.
  CHECK(feed(head_of(200'000)).status == 431);
}

TEST_CASE("request_limits: there are 100 fields at most, trailers among them") {
  CHECK(feed(with_field_count(100)).requests.size() == 1);
  CHECK(feed(with_field_count(101)).status == 431);
  std::string trailers;
  for (int i = 0; i < 98; ++i) trailers += "T: t\r\n";
  CHECK(feed(chunked("0\r\n" + trailers + "\r\n")).requests.size() == 1);
  CHECK(feed(chunked("0\r\n" + trailers + "T: t\r\n\r\n")).status == 431);
}

TEST_CASE("request_limits: trailers count toward the head's bytes, the empty line once") {
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  CHECK(feed(head_of(24576, coding) + "0\r\n\r\n").requests.size() == 1);
  CHECK(feed(head_of(24576 - 6, coding) + "0\r\nT: t\r\n\r\n").requests.size() == 1);
  CHECK(feed(head_of(24576 - 5, coding) + "0\r\nT: t\r\n\r\n").status == 431);
  CHECK(feed_bytewise(head_of(24576 - 5, coding) + "0\r\nT: t\r\n\r\n").status == 431);
}

TEST_CASE("request_limits: a method has 32 bytes at most") {
  const std::string rest = " / HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(feed(std::string(32, 'M') + rest).requests.size() == 1);
  CHECK(feed(std::string(33, 'M') + rest).status == 501);
  CHECK(feed(std::string(100'000, 'M')).status == 501);
}

TEST_CASE("request_limits: a body by length has 1 MiB at most") {
  const std::string most(1 << 20, 'b');
  CHECK(feed(with_fields("Content-Length: 1048576\r\n") + most).requests.size() == 1);
  CHECK(feed(with_fields("Content-Length: 1048577\r\n")).status == 413);
  CHECK(feed(with_fields("Content-Length: 9999999999999999999\r\n")).status == 413);
}

TEST_CASE("request_limits: a chunked body has 1 MiB at most, all chunks together") {
  const std::string half = "80000\r\n" + std::string(0x80000, 'b') + "\r\n";
  CHECK(feed(chunked(half + half + "0\r\n\r\n")).requests.size() == 1);
  CHECK(feed(chunked(half + half + "1\r")).status == 413);  // Before the byte itself.
  CHECK(feed(chunked("100000\r\n")).status == 0);
  CHECK(feed(chunked("100001\r\n")).status == 413);
  CHECK(feed(chunked("FFFFFFFF\r\n")).status == 413);
}

TEST_CASE("request_limits: chunk extensions are skipped, and bounded over all chunks") {
  const auto chunk = [](std::size_t extension_bytes) {
    return "1;" + std::string(extension_bytes - 1, 'e') + "\r\nx\r\n";
  };
  CHECK(feed(chunked(chunk(2048) + chunk(2048) + "0\r\n\r\n")).requests.size() == 1);
  CHECK(feed(chunked(chunk(2048) + chunk(2049) + "0\r\n\r\n")).status == 413);
  CHECK(feed(chunked("1" + std::string(5000, ' '))).status == 413);
}

}  // namespace bide
