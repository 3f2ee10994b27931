#include "server/http/cross_origin.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "server/settings/origin.h"

namespace bide {
namespace {

http::Request from(const std::string& origin) {
  http::Request request;
  request.method = "GET";
  request.headers.emplace("Origin", origin);
  return request;
}

const std::string kApp = "https://app.example.com";

}  // namespace

TEST_CASE("origin: scheme, host and port as browsers write them") {
  const std::vector<std::pair<std::string, std::string>> good = {
      {"https://a", "https://a"},
      {"http://a.b-c.example:8443", "http://a.b-c.example:8443"},
      {"http://127.0.0.1:3000", "http://127.0.0.1:3000"},
      {"http://[::1]", "http://[::1]"},
      {"http://localhost:5173", "http://localhost:5173"},
      {"https://a:443", "https://a"},
      {"http://a:80", "http://a"},
      {"https://a:80", "https://a:80"},
      {"http://a:443", "http://a:443"},
      {"https://a:0443", "https://a"},
      {"HTTPS://App.Example.COM:443", "https://app.example.com"},
      {"https://[2001:DB8::1]:443", "https://[2001:db8::1]"},
      {"http://[2001:0db8:0:0:1:0:0:1]:80", "http://[2001:db8::1:0:0:1]"},
      {"http://[1:0:2:3:4:5:6:0]:81", "http://[1:0:2:3:4:5:6:0]:81"},
      {"http://[::]", "http://[::]"},
      {"http://[1::]", "http://[1::]"},
      {"http://[::ffff:192.0.2.1]", "http://[::ffff:c000:201]"},
  };
  for (const auto& pair : good) {
    CAPTURE(pair.first);
    CHECK(parse_origin(pair.first) == pair.second);
    CHECK(parse_origin(pair.second) == pair.second);
  }
  for (const char* const bad : {"",
                                "*",
                                "null",
                                "a",
                                "https://",
                                "https:///",
                                "https://a/",
                                "https://a/b",
                                "ftp://a",
                                "https://a:",
                                "https://a:x",
                                "https://a:0",
                                "https://a:65536",
                                "https://a:-1",
                                "https://u@a",
                                "https://[::1",
                                "https://[]",
                                "https://[g]",
                                "https://[::1]x",
                                "https://[::1]:",
                                "https://a,https://b",
                                "https://a b",
                                "https://a\r\nX: y",
                                "https://*.example.com",
                                "https://:443"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_origin(bad));
  }
}

TEST_CASE("cross origin: without named origins no response says anything") {
  const CrossOrigin none({});
  CHECK(none.fields_for(from(kApp)) == nullptr);
  CHECK_FALSE(none.admits(none.fields_for(from(kApp))));
}

TEST_CASE("cross origin: a named origin is told that it may read, and what") {
  const CrossOrigin cross({"http://localhost:5173", kApp});
  const std::string* const fields = cross.fields_for(from(kApp));
  REQUIRE(fields != nullptr);
  CHECK(cross.admits(fields));
  CHECK(fields->find("Access-Control-Allow-Origin: https://app.example.com\r\n") !=
        std::string::npos);
  CHECK(fields->find("Access-Control-Allow-Credentials: true\r\n") != std::string::npos);
  CHECK(fields->find("Access-Control-Expose-Headers: ETag, ") != std::string::npos);
  CHECK(fields->find("Vary: Origin\r\n") != std::string::npos);
  CHECK(fields->find("Cross-Origin-Resource-Policy: cross-origin\r\n") != std::string::npos);
}

TEST_CASE("cross origin: all others learn that it depends, and no more") {
  const CrossOrigin cross({kApp});
  http::Request twice = from(kApp);
  twice.headers.emplace("Origin", kApp);
  for (const http::Request& request :
       {http::Request(), twice, from("null"), from("https://app.example.com.evil.example"),
        from("https://APP.example.com"), from("http://app.example.com"),
        from("https://app.example.com:443"), from("")}) {
    const std::string* const fields = cross.fields_for(request);
    REQUIRE(fields != nullptr);
    CHECK(*fields == "Vary: Origin\r\nCross-Origin-Resource-Policy: same-origin\r\n");
    CHECK_FALSE(cross.admits(fields));
  }
}

TEST_CASE("cross origin: a preflight is OPTIONS that asks for a method") {
  http::Request request = from(kApp);
  request.method = "OPTIONS";
  CHECK_FALSE(CrossOrigin::is_preflight(request));
  request.headers.emplace("Access-Control-Request-Method", "GET");
  CHECK(CrossOrigin::is_preflight(request));
  request.method = "GET";
  CHECK_FALSE(CrossOrigin::is_preflight(request));
  CHECK(CrossOrigin::preflight_response().status == 204);
}

}  // namespace bide
