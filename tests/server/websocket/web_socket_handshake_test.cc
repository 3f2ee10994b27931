#include "server/websocket/web_socket_handshake.h"

#include <doctest/doctest.h>

#include <string>

#include "server/http/response_head.h"
#include "tests/server/websocket/web_socket_client.h"

namespace bide {
namespace {

// RFC 6455 section 1.3, without its subprotocols.
http::Request sample() {
  http::Request request;
  request.method = "GET";
  request.version = "HTTP/1.1";
  request.headers = {{"Host", "server.example.com"},
                     {"Upgrade", "websocket"},
                     {"Connection", "Upgrade"},
                     {"Sec-WebSocket-Key", std::string(kSampleKey)},
                     {"Origin", "http://server.example.com"},
                     {"Sec-WebSocket-Version", "13"}};
  return request;
}

http::Request without(const char* name, http::Request request = sample()) {
  request.headers.erase(name);
  return request;
}

http::Request with(const char* name, const std::string& value, http::Request request = sample()) {
  request.headers.emplace(name, value);
  return request;
}

http::Request with_only(const char* name, const std::string& value) {
  return with(name, value, without(name));
}

http::Response answer(const http::Request& request) {
  auto verdict = judge_upgrade(request);
  if (auto* accepted = std::get_if<UpgradeAccepted>(&verdict)) return accepted->response;
  const http::Response& refusal = std::get<http::Response>(verdict);
  CHECK(refusal.get_header_value("Content-Type") == "application/problem+json");
  CHECK_FALSE(refusal.has_header("Sec-WebSocket-Accept"));
  return refusal;
}

int status(const http::Request& request) { return answer(request).status; }

int status_from(const std::string& origin, const std::string& host) {
  return status(with("Origin", origin, without("Origin", with_only("Host", host))));
}

}  // namespace

TEST_CASE("web_socket_handshake: the example of RFC 6455 section 1.3, as it goes out") {
  const http::Response accepted =
      answer(with("Sec-WebSocket-Protocol", "chat, superchat, bide.v1"));
  std::string out;
  append_head(out, accepted, 0, Delivery{});
  CHECK(out ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: bide.v1\r\n"
        "Upgrade: websocket\r\nX-Content-Type-Options: nosniff\r\n\r\n");
}

TEST_CASE("web_socket_handshake: only bide.v1 is selected, and only if it is offered") {
  const auto selected = [](const http::Request& request) {
    const http::Response accepted = answer(request);
    CHECK(accepted.status == 101);
    return accepted.get_header_value("Sec-WebSocket-Protocol");
  };
  const char* const name = "Sec-WebSocket-Protocol";
  CHECK_FALSE(answer(sample()).has_header(name));
  CHECK(selected(with(name, "bide.v1")) == "bide.v1");
  CHECK(selected(with(name, "chat,bide.v1 ,x")) == "bide.v1");
  CHECK(selected(with(name, "bide.v1", with(name, "chat"))) == "bide.v1");
  CHECK(selected(with(name, "bide.v1, bearer.secret")) == "bide.v1");
  for (const char* offer : {"", "chat", "bide.v2", "BIDE.V1", "bide.v1.x", "bearer.secret"}) {
    CAPTURE(offer);
    CHECK_FALSE(answer(with(name, offer)).has_header(name));
    CHECK(selected(with(name, offer)).empty());
  }
}

TEST_CASE("web_socket_handshake: without a wish for WebSocket it takes an upgrade: 426") {
  const auto check_426 = [](const http::Request& request) {
    const http::Response refusal = answer(request);
    CHECK(refusal.status == 426);
    CHECK(refusal.get_header_value("Upgrade") == "websocket");
    CHECK(refusal.get_header_value("Sec-WebSocket-Version") == "13");
  };
  check_426(without("Upgrade"));
  check_426(without("Connection"));
  check_426(with_only("Upgrade", "h2c"));
  check_426(with_only("Upgrade", "websockets"));
  check_426(with_only("Connection", "keep-alive"));
  check_426(with_only("Connection", "close, upgraded"));
  http::Request request = sample();
  request.version = "HTTP/1.0";
  check_426(request);
  request = sample();
  request.method = "HEAD";
  check_426(request);
  request.headers.clear();
  request.method = "GET";
  check_426(request);
  for (const char* version : {"", "0", "8", "12", "14", "013", "13, 8", "113", "x"}) {
    CAPTURE(version);
    check_426(with_only("Sec-WebSocket-Version", version));
  }
  check_426(without("Sec-WebSocket-Version"));
}

TEST_CASE("web_socket_handshake: Upgrade and Connection are lists, compared without case") {
  CHECK(status(with_only("Upgrade", "WebSocket")) == 101);
  CHECK(status(with_only("Upgrade", "h2c , WEBSOCKET")) == 101);
  CHECK(status(with("Upgrade", "h2c")) == 101);
  CHECK(status(with_only("Connection", "keep-alive,upgrade")) == 101);
  CHECK(status(with_only("Connection", ", UPGRADE,")) == 101);
  CHECK(status(with("Connection", "keep-alive")) == 101);
}

TEST_CASE("web_socket_handshake: other methods are 405") {
  for (const char* method : {"POST", "PUT", "OPTIONS", "CONNECT", "get"}) {
    http::Request request = sample();
    request.method = method;
    const http::Response refusal = answer(request);
    CHECK(refusal.status == 405);
    CHECK(refusal.get_header_value("Allow") == "GET, HEAD");
  }
}

TEST_CASE("web_socket_handshake: one key, of 16 bytes in base64; one version") {
  for (const char* key : {"", "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA",
                          "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAA",
                          "AAAAAAAAAAAAAAAAAAAAA!==", "dGhlIHNhbXBsZSBub25jZQ== x"}) {
    CAPTURE(key);
    CHECK(status(with_only("Sec-WebSocket-Key", key)) == 400);
  }
  CHECK(status(with_only("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")) == 101);
  CHECK(status(without("Sec-WebSocket-Key")) == 400);
  CHECK(status(with("Sec-WebSocket-Key", std::string(kSampleKey))) == 400);
  CHECK(status(with("Sec-WebSocket-Version", "13")) == 400);
}

TEST_CASE("web_socket_handshake: extensions are ignored") {
  const http::Response accepted =
      answer(with("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"));
  CHECK(accepted.status == 101);
  CHECK_FALSE(accepted.has_header("Sec-WebSocket-Extensions"));
}

TEST_CASE("web_socket_handshake: a page of another origin may not open it") {
  CHECK(status(without("Origin")) == 101);  // No browser.
  CHECK(status_from("http://127.0.0.1:8080", "127.0.0.1:8080") == 101);
  CHECK(status_from("HTTP://LOCALHOST:8080", "localhost:8080") == 101);
  CHECK(status_from("http://[::1]:8080", "[::1]:8080") == 101);
  CHECK(status_from("http://[::1]", "[::1]:80") == 101);
  for (const char* origin :
       {"null", "", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:8081",
        "http://127.0.0.1:80800", "http://127.0.0.1:8080x", "http://127.0.0.1:+8080",
        "http://127.0.0.1:8080.evil.example", "http://127.0.0.1:8080@evil.example",
        "http://evil.example/127.0.0.1:8080", "http://localhost:8080", "127.0.0.1:8080", "file://",
        "file://127.0.0.1:8080", "chrome-extension://127.0.0.1:8080",
        "http://127.0.0.1:8080 http://evil.example", "http://:8080", "://127.0.0.1:8080"}) {
    CAPTURE(origin);
    CHECK(status_from(origin, "127.0.0.1:8080") == 403);
  }
}

TEST_CASE("web_socket_handshake: the default port of the origin's scheme may be left out") {
  CHECK(status_from("http://a.example", "a.example:80") == 101);
  CHECK(status_from("http://a.example:80", "A.example") == 101);
  CHECK(status_from("http://a.example:", "a.example") == 101);
  CHECK(status_from("https://a.example", "a.example") == 101);
  CHECK(status_from("https://a.example:443", "a.example") == 101);
  CHECK(status_from("https://a.example", "a.example:443") == 101);
  CHECK(status_from("https://a.example", "a.example:80") == 403);
  CHECK(status_from("http://a.example", "a.example:443") == 403);
  CHECK(status_from("http://a.example:8080", "a.example") == 403);
}

TEST_CASE("web_socket_handshake: two origins, no Host or an empty one are nobody's") {
  CHECK(status(with("Origin", "http://server.example.com")) == 403);
  CHECK(status(without("Host")) == 403);
  CHECK(status_from("http://", "") == 403);
  CHECK(status_from("http://:80", ":80") == 403);
}

}  // namespace bide
