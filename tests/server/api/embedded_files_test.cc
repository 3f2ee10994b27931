// The files in the program, as served: types, tags, conditions, caching, Content-Security-Policy.
#include "server/api/embedded_files.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/server/auth/fake_authority.h"
#include "tests/server/served_table.h"

namespace bide {
namespace {

using testing::Client;
using testing::ServedTable;

std::string ask(const ServedTable& server, const std::string& target,
                const std::string& fields = "", const std::string& method = "GET") {
  Client client = server.dial();
  client.send(method + " " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
  return client.response(method == "HEAD");
}

std::string head_of(const std::string& response) {
  return response.substr(0, response.find("\r\n\r\n") + 4);
}
std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}
std::string field_of(const std::string& response, const std::string& name) {
  const std::size_t at = response.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return response.substr(begin, response.find("\r\n", begin) - begin);
}
bool has_status(const std::string& response, int status) {
  return response.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

}  // namespace

TEST_CASE("embedded files: every file has its bytes, its type, and a strong tag") {
  ServedTable server;
  REQUIRE(kPageFiles.size() > 2);
  for (const EmbeddedFile& file : kPageFiles) {
    CAPTURE(file.path);
    for (const char* base : {"", "/api"}) {
      const std::string target = base + std::string(file.path);
      const std::string answer = ask(server, target);
      REQUIRE(has_status(answer, 200));
      CHECK(body_of(answer) == file.text());
      CHECK(field_of(answer, "Content-Length") == std::to_string(file.size));
      CHECK(field_of(answer, "Content-Type") != "application/octet-stream");
      CHECK(field_of(answer, "ETag").starts_with('"'));
      CHECK(head_of(ask(server, target, "", "HEAD")).size() == head_of(answer).size());
      const std::string known = "If-None-Match: W/" + field_of(answer, "ETag") + "\r\n";
      const std::string same = ask(server, target, known);
      CHECK(has_status(same, 304));
      CHECK(field_of(same, "ETag") == field_of(answer, "ETag"));
      CHECK(field_of(same, "Cache-Control") == field_of(answer, "Cache-Control"));
    }
  }
}

TEST_CASE("embedded files: assets are for ever, and the page names them") {
  ServedTable server;
  const std::string page = ask(server, "/");
  CHECK(field_of(page, "Content-Type") == "text/html; charset=utf-8");
  CHECK(field_of(page, "Cache-Control") == "no-cache");
  CHECK(page.find('@') == std::string::npos);
  for (const EmbeddedFile& file : kPageFiles) {
    if (!file.path.starts_with("/assets/")) continue;
    CAPTURE(file.path);
    CHECK(field_of(ask(server, std::string(file.path)), "Cache-Control") ==
          "public, max-age=31536000, immutable");
  }
  const std::string_view assets = kPageFiles.back().path;
  const std::string folder(assets.substr(1, assets.rfind('/')));
  CHECK(page.find("\"" + folder) != std::string::npos);
  CHECK(has_status(ask(server, "/assets/0123456789abcdef/app.js"), 404));
}

TEST_CASE("embedded files: nothing may come from elsewhere, or be written into the page") {
  ServedTable server;
  CHECK(field_of(ask(server, "/"), "Content-Security-Policy") ==
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "worker-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'");
  for (const EmbeddedFile& file : kPageFiles) {
    if (!file.path.ends_with(".html")) continue;
    const std::string_view text = file.text();
    for (const char* inline_part : {"<style", " style=", "<script>", " on", "://"}) {
      CAPTURE(inline_part);
      CHECK(text.find(inline_part) == std::string_view::npos);
    }
  }
}

TEST_CASE("embedded files: need no token, and only GET and HEAD") {
  const testing::FakeAuthority authority;
  ServedTable server({}, {}, system_clock(), &authority);
  CHECK(has_status(ask(server, "/"), 200));
  CHECK(has_status(ask(server, "/job"), 401));
  const std::string refused = ask(server, "/", "Content-Length: 0\r\n", "POST");
  CHECK(has_status(refused, 405));
  CHECK(field_of(refused, "Allow") == "GET, HEAD");
}

TEST_CASE("embedded files: the base path leads to the page below it, whatever a proxy calls it") {
  ServedTable server;
  const std::string led = ask(server, "/api");
  CHECK(has_status(led, 308));
  CHECK(field_of(led, "Location") == "api/");
  CHECK(has_status(ask(server, "/api/"), 200));
}

}  // namespace bide
