#include "server/http/response_head.h"

#include <doctest/doctest.h>

#include <string>

#include "server/http/http_date.h"

namespace bide {
namespace {

using namespace std::string_literals;

http::Response response_of(int status, std::string body = "") {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace("Content-Type", "application/json");
  response.headers.emplace("ETag", "\"a\"");
  return response;
}

// The bytes, without nosniff, which all have, and the date, after a look at them.
std::string written(const http::Response& response, const Delivery& delivery = {}) {
  constexpr std::string_view kNoSniff = "X-Content-Type-Options: nosniff\r\n";
  std::string out;
  append_head(out, response, response.body.size(), delivery);
  if (has_body(response.status, delivery)) out += response.body;
  REQUIRE(out.find(kNoSniff) != std::string::npos);
  out.erase(out.find(kNoSniff), kNoSniff.size());
  const std::size_t date = out.find("Date: ");
  if (date == std::string::npos) return out;
  CHECK(out.substr(date + 6 + kHttpDateBytes - 4, 6) == " GMT\r\n");
  return out.erase(date, 6 + kHttpDateBytes + 2);
}

}  // namespace

TEST_CASE("response_writer: status line, fields, length, body") {
  CHECK(written(response_of(200, "{}")) ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"a\"\r\n"
        "Content-Length: 2\r\n\r\n{}");
}

TEST_CASE("response_writer: a date is always sent with a final answer") {
  std::string out;
  append_head(out, response_of(503), 0, {});
  CHECK(out.find("\r\nDate: ") != std::string::npos);
}

TEST_CASE("response_writer: HEAD gets the fields of GET and no body") {
  const std::string get = written(response_of(200, "hello"));
  const std::string head = written(response_of(200, "hello"), {.head_only = true});
  CHECK(head + "hello" == get);
}

TEST_CASE("response_writer: 204 and 304 have neither content nor fields about it") {
  for (const int status : {204, 304}) {
    const std::string bytes = written(response_of(status, "never"));
    CHECK(bytes.find("ETag: \"a\"\r\n") != std::string::npos);
    CHECK(bytes.find("Content-") == std::string::npos);
    CHECK(bytes.ends_with("\r\n\r\n"));
    CHECK_FALSE(has_body(status, {}));
  }
}

TEST_CASE("response_writer: an empty body has the length 0") {
  CHECK(written(response_of(404)).find("Content-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("response_writer: interim answers keep their own Connection") {
  http::Response response;
  response.status = 101;
  response.headers.emplace("Connection", "Upgrade");
  CHECK(written(response) == "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n");
}

TEST_CASE("response_writer: Connection names Upgrade where that is sent") {
  http::Response response = response_of(426);
  response.set_header("Upgrade", "websocket");
  CHECK(written(response, {}).find("\r\nConnection: Upgrade\r\n") != std::string::npos);
  CHECK(written(response, {.close = true}).find("\r\nConnection: close, Upgrade\r\n") !=
        std::string::npos);
}

TEST_CASE("response_writer: Connection says what happens to it") {
  CHECK(written(response_of(200), {}).find("Connection") == std::string::npos);
  CHECK(written(response_of(200), {.close = true}).find("Connection: close\r\n") !=
        std::string::npos);
  CHECK(written(response_of(200), {.http_1_0 = true}).find("Connection: keep-alive\r\n") !=
        std::string::npos);
  const std::string both = written(response_of(200), {.http_1_0 = true, .close = true});
  CHECK(both.find("Connection: close\r\n") != std::string::npos);
  CHECK(both.find("keep-alive") == std::string::npos);
}

TEST_CASE("response_writer: fields that frame a message are the writer's alone") {
  http::Response response = response_of(200, "x");
  for (const char* name : {"date", "content-length", "TRANSFER-ENCODING", "Connection"}) {
    response.headers.emplace(name, "forged");
  }
  CHECK(written(response).find("forged") == std::string::npos);
}

TEST_CASE("response_writer: no value can end its line") {
  std::string out;
  append_field(out, "X", "a\r\nSet-Cookie: b\0c\x7F d\te\xE4"s);
  CHECK(out == "X: a  Set-Cookie: b c  d\te\xE4\r\n");
  http::Response response = response_of(200);
  response.headers.emplace("X", "1\r\n\r\nHTTP/1.1 200 OK");
  CHECK(written(response).find("X: 1    HTTP/1.1 200 OK\r\n") != std::string::npos);
}

TEST_CASE("response_writer: a status without a phrase keeps its space") {
  CHECK(written(response_of(299)).starts_with("HTTP/1.1 299 \r\n"));
  CHECK(written(response_of(431)).starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

}  // namespace bide
