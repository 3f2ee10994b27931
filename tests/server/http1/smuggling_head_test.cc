// Heads that two servers have read differently: line ends, control bytes, names, hosts, targets,
// versions, and protocols that are none of ours.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/server/http1/hostile.h"

namespace bide {
namespace {

using namespace std::string_literals;
using testing::check_harmless;
using testing::check_refused;
using testing::check_refused_by_airlock;
using testing::Client;
using testing::Hostile;
using testing::ServedTable;

// What RFC 3986 and RFC 9110 allow, said once more than in the code under test.
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
constexpr std::string_view kPathMarks = "-._~!$&'()*+,;=:@/";
constexpr std::string_view kHostMarks = "-._~!$&'()*+,;=";

bool is_one_of(char byte, std::string_view marks) {
  return kLetters.find(byte) != std::string_view::npos ||
         kDigits.find(byte) != std::string_view::npos || marks.find(byte) != std::string_view::npos;
}

std::string line(std::string_view start) { return std::string(start) + "\r\nHost: a\r\n\r\n"; }
std::string get(std::string_view target) {
  return line("GET " + std::string(target) + " HTTP/1.1");
}
std::string version(std::string_view version) { return line("GET / " + std::string(version)); }
std::string lines(std::string_view lines) {
  return "GET / HTTP/1.1\r\n" + std::string(lines) + "\r\n";
}
std::string hosted(std::string_view host) { return lines("Host: " + std::string(host) + "\r\n"); }

const std::string kGood = "GET /x?y HTTP/1.1\r\nHost: a:80\r\nX-Y: z z\r\n\r\n";

std::vector<Hostile> named(const std::vector<std::string>& all, int status = 400) {
  std::vector<Hostile> hostile;
  for (const std::string& bytes : all) hostile.push_back({bytes, bytes, status});
  return hostile;
}

}  // namespace

TEST_CASE("smuggling_head: every line ends with CR LF, and with nothing else") {
  std::vector<Hostile> all;
  for (std::size_t at = kGood.find("\r\n"); at != std::string::npos;
       at = kGood.find("\r\n", at + 1)) {
    for (const char* end : {"\n", "\r", "\r\r\n", "\n\r", "\r\n\n", "\r\0\n", "\x0B", "\x85",
                            "\xE2\x80\xA8", " ", ""}) {
      const bool complete = at + 2 == kGood.size() && std::string_view(end) == "\r\n\n";
      if (complete) continue;  // And an LF behind it.
      const std::string bytes = kGood.substr(0, at) + end + kGood.substr(at + 2);
      all.push_back({bytes, bytes + std::string(testing::kBehind)});
    }
  }
  check_refused(all);
}

TEST_CASE("smuggling_head: no control byte may stand anywhere") {
  std::vector<Hostile> on_a_socket;
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    for (int byte = 0; byte <= 0x7F; ++byte) {
      if ((byte >= 0x20 && byte < 0x7F) || byte == '\t') continue;
      std::string instead = kGood;
      instead[at] = static_cast<char>(byte);
      std::string between = kGood;
      between.insert(at, 1, static_cast<char>(byte));
      if (instead != kGood) check_refused_by_airlock({instead, instead + "X"});
      const bool complete = at + 1 == kGood.size() && byte == '\n';
      if (!complete) check_refused_by_airlock({between, between});
      if (byte == 0) on_a_socket.push_back({between, between});
    }
  }
  check_refused(on_a_socket);
}

TEST_CASE("smuggling_head: methods and names are tokens, hosts and paths what RFC 3986 says") {
  for (int value = 0; value <= 0xFF; ++value) {
    const auto byte = static_cast<char>(value);
    const std::string one(1, byte);
    CAPTURE(value);
    const bool token = is_one_of(byte, kTokenMarks);
    CHECK((feed(line("G" + one + "T / HTTP/1.1")).requests.size() == 1) == token);
    CHECK((feed(line(one + "GET / HTTP/1.1")).requests.size() == 1) == token);
    CHECK((feed(lines("Host: a\r\nX" + one + "Y: z\r\n")).requests.size() == 1) ==
          (token || byte == ':'));
    CHECK((feed(lines("Host: a\r\n" + one + "Y: z\r\n")).requests.size() == 1) == token);
    CHECK((feed(lines("Host: a\r\nX" + one + ": z\r\n")).requests.size() == 1) ==
          (token || byte == ':'));
    CHECK((feed(get("/a" + one + "b")).requests.size() == 1) ==
          (is_one_of(byte, kPathMarks) || byte == '?'));
    CHECK((feed(hosted("a" + one + "b")).requests.size() == 1) == is_one_of(byte, kHostMarks));
  }
}

TEST_CASE("smuggling_head: hosts are one, and are hosts") {
  std::vector<Hostile> all = named({
      lines(""),
      lines("X: y\r\n"),
      lines("Host : a\r\n"),
      lines("Host\r\n"),
      lines(" Host: a\r\n"),
      lines("\tHost: a\r\n"),
      lines("Host: a\r\nHost: a\r\n"),
      lines("Host: a\r\nhOST: b\r\n"),
      lines("Host: a\r\nHost:\r\n"),
      lines("Host: a\r\n\tb\r\n"),
      lines("X: y\r\n Host: b\r\nHost: a\r\n"),
      lines("X: y\rHost: a\r\n"),
      "GET http://a/ HTTP/1.1\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n",
  });
  for (const char* host :
       {"a, b",    "a b",         "a\tb",  "u@a",       "u:p@a",      "@a",       "a@",    "a/",
        "/a",      "a/b",         "a?b",   "a#b",       "a\\b",       "http://a", "//a",   "a:",
        "a:b",     "a:80:80",     "a:-1",  "a:+80",     "a:0x50",     "a: 80",    "a:80 ", ":80",
        "::1",     "[",           "]",     "[]",        "[]:80",      "[::1",     "::1]",  "[::1]a",
        "[::1]:a", "[::1]:80:80", "[::g]", "[1.2.3.4]", "[::1%25lo]", "[v1]",     "[v1.]", "[v.a]",
        "[a]",     "a[::1]",      "a%",    "a%2",       "a%zz",       "a%0",      "<a>",   "{a}",
        "a|b",     "a^b",         "`a`",   "\"a\"",     "\xC3\xA4",   "a\xFF"}) {
    const std::string bytes = hosted(host);
    // Trimmed away, or allowed by the grammar: a port may be empty.
    if (std::string_view(host) == "a:" || std::string_view(host) == "a:80 ") continue;
    all.push_back({bytes, bytes});
  }
  check_refused(all);
}

TEST_CASE("smuggling_head: targets are one of four forms, for the methods that have them") {
  std::vector<Hostile> all;
  for (const char* target : {"",
                             "*",
                             "a",
                             "a:80",
                             "a:443",
                             "livez",
                             "?x",
                             "#",
                             "/#",
                             "/a#b",
                             "/a?b#c",
                             "\\",
                             "/a\\b",
                             "/..\\a",
                             "/a b",
                             "/a  b",
                             "/a\tb",
                             "/%",
                             "/%2",
                             "/%zz",
                             "/%%",
                             "/%2g",
                             "/%g2",
                             "/?%",
                             "/?%2",
                             "/?a=%zz",
                             "/\xC3\xA4",
                             "/?\xC3\xA4",
                             "/\xFF",
                             "/<a>",
                             "/{a}",
                             "/a|b",
                             "/a^b",
                             "/`a`",
                             "/\"a\"",
                             "/[a]",
                             "/?[a]",
                             "//a b",
                             "http:",
                             "http:/",
                             "http:a",
                             "http:/a",
                             "http://",
                             "http:///",
                             "http://?x",
                             "http://#",
                             "http://u@a/",
                             "http://u:p@a/",
                             "http://a:b/",
                             "http://a b/",
                             "http://[::1/",
                             "http://[::g]/",
                             "http://a#b",
                             "http://a/#b",
                             "http://a\\b/",
                             "http://\xC3\xA4/",
                             "ftp://a/",
                             "file:///etc/passwd",
                             "javascript:alert",
                             "data:,a",
                             "ws://a/",
                             "//",
                             "///"}) {
    const std::string bytes = get(target);
    if (std::string_view(target).starts_with("//") && bytes.find("a b") == std::string::npos) {
      continue;  // Paths that begin with an empty segment: no resource of bide's, but paths.
    }
    all.push_back({bytes, bytes});
  }
  for (const char* start :
       {"CONNECT / HTTP/1.1", "CONNECT a HTTP/1.1", "CONNECT a: HTTP/1.1", "CONNECT :80 HTTP/1.1",
        "CONNECT http://a:80/ HTTP/1.1", "CONNECT u@a:80 HTTP/1.1", "CONNECT * HTTP/1.1",
        "POST * HTTP/1.1", "OPTIONS a:80 HTTP/1.1", "OPTIONS ** HTTP/1.1"}) {
    all.push_back({start, line(start)});
  }
  all.push_back({"CONNECT", line("CONNECT a:80 HTTP/1.1"), 501});
  check_refused(all);
}

TEST_CASE("smuggling_head: a request line is three words, one space between each") {
  check_refused(named({
      line(" GET / HTTP/1.1"),
      line("\tGET / HTTP/1.1"),
      line("GET  / HTTP/1.1"),
      line("GET /  HTTP/1.1"),
      line("GET\t/ HTTP/1.1"),
      line("GET /\tHTTP/1.1"),
      line("GET\x0B/ HTTP/1.1"),
      line("GET /\x0CHTTP/1.1"),
      line("GET / HTTP/1.1 "),
      line("GET / HTTP/1.1\t"),
      line("GET / HTTP/1.1 x"),
      line("GET / x HTTP/1.1"),
      line("GET /HTTP/1.1"),
      line("GET/ HTTP/1.1"),
      line("GET"),
      line("GET "),
      line("GET /"),
      line("GET / "),
      line("/ HTTP/1.1"),
      line(" / HTTP/1.1"),
      line("HTTP/1.1 200 OK"),
      line("GET / HTTP/1.1\r\n "),
      line("GET / HTTP/1.1\r\nX"),
      "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\rGET / HTTP/1.1\r\n\r\n",
      "\r\n\r\n" + get("/"),
      "\r\n " + get("/"),
      " \r\n" + get("/"),
      "\0"s + get("/"),
      "\xEF\xBB\xBF" + get("/"),
  }));
}

TEST_CASE("smuggling_head: versions are HTTP/1.0 to HTTP/1.9") {
  check_refused(named(
      {version("http/1.1"),  version("Http/1.1"),   version("HTTP/1"),      version("HTTP/1."),
       version("HTTP/.1"),   version("HTTP/11"),    version("HTTP/1.10"),   version("HTTP/01.1"),
       version("HTTP/1.01"), version("HTTP/1.1.1"), version("HTTP/1,1"),    version("HTTP/1 .1"),
       version("HTTP /1.1"), version("HTTP/+1.1"),  version("HTTP/1.x"),    version("HTTP-1.1"),
       version("HTTP 1.1"),  version("HTTPS/1.1"),  version("HTTP/\xB9.1"), version("HTTP/1.1\0"s),
       version("xHTTP/1.1"), version("RTSP/1.0"),   version("SIP/2.0"),     version("ICAP/1.0")}));
  check_refused(named({version("HTTP/0.9"), version("HTTP/0.0"), version("HTTP/0.1"),
                       version("HTTP/2.0"), version("HTTP/2.1"), version("HTTP/3.0"),
                       version("HTTP/9.9"), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
                      505));
}

TEST_CASE("smuggling_head: other protocols are refused at their first line") {
  check_refused(named({
      "GET /\r\n",
      "GET /livez\r\nHost: a\r\n\r\n",
      "\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03"s + std::string(32, 'r'),  // TLS ClientHello.
      "\x80\x2E\x01\0\x02"s,                                               // SSLv2.
      "SSH-2.0-OpenSSH_9.2\r\n",
      "EHLO a\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get("/"),
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C"s,  // PROXY protocol, version 2.
      "*1\r\n$4\r\nPING\r\n",
      "CONNECT {\"verbose\":false}\r\nPING\r\n",  // NATS.
      "stats\r\n",
      "\0\0\0\x12\x04"s,
      "<policy-file-request/>\0"s,
  }));
}

TEST_CASE("smuggling_head: expectations but one cannot be met") {
  std::vector<Hostile> all;
  for (const char* expectation :
       {"x", "200-ok", "100-continue, x", "x, 100-continue", "y 100-continue", "100-continue;x",
        "100-continue=x", "\"100-continue\"", "100 -continue", "100", "100-continuex"}) {
    const std::string bytes =
        lines("Host: a\r\nExpect: " + std::string(expectation) + "\r\nContent-Length: 1\r\n") + "x";
    all.push_back({bytes, bytes, 417});
  }
  check_refused(all);
}

TEST_CASE("smuggling_head: unusual heads that mean one thing") {
  check_harmless({
      {"one empty line may come first, RFC 9112 section 2.2", "\r\n" + get("/x"), {"/x"}},
      {"of an absolute target Host says nothing, section 3.2.2",
       "GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n",
       {"http://a/x"}},
      {"Host may be empty, section 3.2", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", {"/x"}},
      {"a comma may stand in a name, RFC 3986 section 3.2.2; bide has one site only",
       "GET /x HTTP/1.1\r\nHost: a,b\r\n\r\n",
       {"/x"}},
      {"a higher minor version is taken as 1.1, RFC 9110 section 2.5",
       "GET /x HTTP/1.2\r\nHost: a\r\n\r\nGET /y HTTP/1.9\r\nHost: a\r\n\r\n",
       {"/x", "/y"}},
      {"HTTP/1.0 has no Host", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {"/x"}},
      {"an Upgrade may be ignored, RFC 9110 section 7.8",
       lines("Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
             "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
       {"/"}},
      {"no Connection takes Host away",
       lines("Host: a\r\nConnection: Host, X-Y\r\nX-Y: z\r\n"),
       {"/"}},
      {"a value may hold anything but control bytes",
       lines("Host: a\r\nX: GET /inner HTTP/1.1 \\r\\n %0d%0a \xFF\t:\r\n"),
       {"/"}},
  });
}

TEST_CASE("smuggling_head: what stands before an error is answered, what stands behind is not") {
  ServedTable server;
  Client client = server.dial();
  client.send(get("/livez") + get("/nothing") + "GET /livez HTTP/1.1\r\n\r\n" + get("/livez"));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
  CHECK(client.response().starts_with("HTTP/1.1 404 "));
  CHECK(client.response().starts_with("HTTP/1.1 400 "));
  CHECK(client.at_end());
}

TEST_CASE("smuggling_head: of an absolute target Host says nothing to a WebSocket either") {
  ServedTable server;
  server.apply(testing::defined("a", 1));
  for (const bool ours : {true, false}) {
    Client client = server.dial();
    const std::string site = ours ? "ours" : "theirs";
    client.send("GET http://" + site +
                "/job/a/ws HTTP/1.1\r\nHost: ours\r\nOrigin: http://ours\r\n" +
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    CHECK(client.response(ours).starts_with(ours ? "HTTP/1.1 101 " : "HTTP/1.1 403 "));
  }
}

TEST_CASE(
    "smuggling_head: an escaped unreserved character is that character, RFC 9110 section 4.2.3") {
  ServedTable server;
  server.apply(testing::defined("build-7_a", 1));
  Client client = server.dial();
  for (const char* target :
       {"/%6civez", "/%6Civez", "/%72eady%7a", "/job/build%2D7%5Fa", "/job/build-7%5fa",
        "/%6A%6F%62/%62uild-7_a", "/job/st%61tus", "/%6a%6f%62?id=build%2D7_a",
        "/%61pi/job/build%2d7_a", "http://a/%6civez", "/job/%62uild%2D7_a?wait=1ms"}) {
    CAPTURE(target);
    client.send(get(target));
    CHECK(client.response().starts_with("HTTP/1.1 200 "));
  }
}

TEST_CASE("smuggling_head: a resource has one path, and no other spelling of it") {
  ServedTable server;
  server.apply(testing::defined("a", 1));
  Client client = server.dial();
  for (const char* target :
       {"//livez",         "/livez/",          "/livez//",    "/./livez",
        "/x/../livez",     "/../livez",        "/livez/.",    "/%256civez",
        "/livez%00",       "/livez%20",        "/livez;x",    "/livez%3Fx",
        "/livez%2F",       "/%2Flivez",        "/%2e/livez",  "/x/%2e%2e/livez",
        "/LIVEZ",          "/job//a",          "/job/a/",     "/job/%2561",
        "/job/a%00",       "/job/./a",         "/job/x/../a", "/job/a;x",
        "/job/a%2Fevents", "/job%2Fa",         "//job/a",     "/api",
        "/api//job/a",     "/api/api/job/a",   "/API/job/a",  "/apijob/a",
        "/%2561pi/job/a",  "http://a//livez",  "/job%2fa",    "/job/a%2Dx",
        "/%2E/livez",      "/job/%2e%2E/livez"}) {
    CAPTURE(target);
    client.send(get(target));
    CHECK(client.response().starts_with("HTTP/1.1 404 "));
  }
}

}  // namespace bide
