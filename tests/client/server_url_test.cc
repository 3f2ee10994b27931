#include "client/server_url.h"

#include <doctest/doctest.h>

using namespace bide;

namespace {

ServerUrl parsed(std::string_view text) {
  auto result = parse_server_url(text);
  REQUIRE_MESSAGE(std::holds_alternative<ServerUrl>(result), text);
  return std::get<ServerUrl>(result);
}

}  // namespace

TEST_CASE("server_url: host, port and base path are taken apart") {
  CHECK(text_of(parsed("http://127.0.0.1:8080")) == "http://127.0.0.1:8080");
  CHECK(text_of(parsed("http://ci.example/")) == "http://ci.example:80");
  CHECK(text_of(parsed("https://ci.example/api/")) == "https://ci.example:443/api");
  CHECK(parsed("http://[::1]:9000/a/b").host == "::1");
  CHECK(text_of(parsed("http://[::1]:9000/a/b")) == "http://[::1]:9000/a/b");
}

TEST_CASE("server_url: a Unix socket") {
  const ServerUrl url = parsed("unix:/run/bide/bide.sock");
  CHECK(url.socket == "/run/bide/bide.sock");
  CHECK(text_of(url) == "unix:/run/bide/bide.sock");
  CHECK_FALSE(is_plain_text(url));
  CHECK(is_plain_text(parsed("http://ci.example")));
  CHECK_FALSE(is_plain_text(parsed("https://ci.example")));
  CHECK_FALSE(is_plain_text(parsed("http://[::1]")));
  for (const std::string& text : {std::string("unix:"), std::string("unix:a"),
                                  std::string("unix://a\0", 9), "unix:/" + std::string(107, 'p')}) {
    CHECK(std::holds_alternative<Misuse>(parse_server_url(text)));
  }
}

TEST_CASE("server_url: a URL that cannot be used is refused") {
  for (const char* text : {"",
                           "ci.example",
                           "ftp://ci.example",
                           "http://",
                           "http://:80",
                           "http://h:0",
                           "http://h:65536",
                           "http://h:",
                           "http://h:80x",
                           "http://h:-1",
                           "http://[::1",
                           "http://[::1]x",
                           "http://[x]",
                           "http://a b",
                           "http://h/a b",
                           "http://h/a?b",
                           "http://h/#a",
                           "http://h/a\r\nX: y",
                           "http://h\r\nX: y",
                           "http://h/\x80"}) {
    CAPTURE(text);
    CHECK(std::holds_alternative<Misuse>(parse_server_url(text)));
  }
}

TEST_CASE("server_url: a password in it is refused and not repeated") {
  const auto result = parse_server_url("http://me:secret@ci.example");
  REQUIRE(std::holds_alternative<Misuse>(result));
  CHECK(std::get<Misuse>(result).message.find("secret") == std::string::npos);
}

TEST_CASE("server_url: a token is visible ASCII, so that it cannot add a header") {
  CHECK(is_safe_token("eyJhbGciOi.J9-_~+/=="));
  CHECK(is_safe_token("a%0d%0aX"));
  CHECK(is_safe_token(""));
  CHECK(!is_safe_token("a b"));
  CHECK(!is_safe_token("a\r\nX: y"));
  CHECK(!is_safe_token("a\n"));
  CHECK(!is_safe_token("\xc3\xa4"));
  CHECK(!is_safe_token(std::string_view("a\0b", 3)));
}
