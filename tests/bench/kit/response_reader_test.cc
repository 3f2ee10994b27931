#include "bench/kit/response_reader.h"

#include <doctest/doctest.h>

#include <string>

namespace bench {
namespace {

const std::string kTwo =
    "HTTP/1.1 200 OK\r\nETag: \"a\"\r\ncontent-length: 5\r\n\r\nhello"
    "HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\nContent-Length: 7\r\n\r\n";

TEST_CASE("response reader: responses come out whole, however they were cut into reads") {
  for (std::size_t cut = 0; cut <= kTwo.size(); ++cut) {
    CAPTURE(cut);
    ResponseReader reader;
    std::string told;
    for (const std::string& read : {kTwo.substr(0, cut), kTwo.substr(cut)}) {
      reader.feed(read);
      while (const auto response = reader.take()) {
        told += std::to_string(response->status) + std::string(response->field("etag"));
        told += std::string(response->body) + ";";
      }
    }
    CHECK(told == "200\"a\"hello;304\"b\";");
    CHECK(reader.empty());
  }
}

TEST_CASE(
    "response reader: a field that is not there is empty, a name that begins like it no match") {
  const auto response = parse_response("HTTP/1.1 204 No Content\r\nETagged: x\r\n\r\n");
  REQUIRE(response);
  CHECK(response->field("ETag").empty());
  CHECK(response->field("etagged") == "x");
}

}  // namespace
}  // namespace bench
