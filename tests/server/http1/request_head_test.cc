// Heads that servers and proxies have read differently or were broken with: request lines, targets,
// hosts, fields, and other protocols. From the literature on request smuggling and from advisories.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/server/http1/request_table.h"

namespace bide {
namespace {

using namespace std::string_literals;
using testing::check_parser_refuses;
using testing::check_table;
using testing::Client;
using testing::ServedTable;
using testing::Table;

std::string line(std::string_view start) { return std::string(start) + "\r\nHost: a\r\n\r\n"; }
std::string get(std::string_view target) {
  return line("GET " + std::string(target) + " HTTP/1.1");
}
std::string version(std::string_view version) { return line("GET / " + std::string(version)); }
std::string lines(std::string_view lines) {
  return "GET / HTTP/1.1\r\n" + std::string(lines) + "\r\n";
}
std::string hosted(std::string_view host) { return lines("Host: " + std::string(host) + "\r\n"); }
std::string fields(std::string_view lines) { return with_fields(lines); }
std::string expecting(std::string_view expectation) {
  return fields("Expect: " + std::string(expectation) + "\r\nContent-Length: 1\r\n") + "x";
}

// Shape: line().
const Table kRequestLines = {
    {"one space between three words, RFC 9112 section 3",
     400,
     {" GET / HTTP/1.1", "\tGET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
      "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "GET\v/ HTTP/1.1", "GET /\fHTTP/1.1", "GET / HTTP/1.1 ",
      "GET / HTTP/1.1\t", "GET /a b HTTP/1.1"}},
    {"three words, the same section",
     400,
     {"GET / HTTP/1.1 x", "GET / x HTTP/1.1", "GET  HTTP/1.1", "GET /HTTP/1.1", "GET/ HTTP/1.1",
      "GET", "GET ", "GET /", "GET / ", "/ HTTP/1.1", " / HTTP/1.1", "HTTP/1.1 200 OK"}},
    {"a method is a token, RFC 9110 section 9.1", 400, {"G@T / HTTP/1.1", "G\0T / HTTP/1.1"s}},
    {"any token, case-sensitive", 200, {"get / HTTP/1.1"}, {"/"}},
    {"the same; and a path may be empty segments and dots, RFC 3986 section 3.3",
     200,
     {"M!#$%&'*+-.^_`|~9 //a//../b;c=d,e@:%00?/?a:@ HTTP/1.1"},
     {"//a//../b;c=d,e@:%00?/?a:@"}},
    {"behind the line comes a field, RFC 9112 section 2.2",
     400,
     {"GET / HTTP/1.1\r\n ", "GET / HTTP/1.1\r\nX"}},
    {"`*` and host:port have methods of their own, RFC 9112 section 3.2",
     400,
     {"POST * HTTP/1.1", "OPTIONS a:80 HTTP/1.1", "OPTIONS ** HTTP/1.1"}},
    {"CONNECT has host:port, RFC 9112 section 3.2.3",
     400,
     {"CONNECT / HTTP/1.1", "CONNECT a HTTP/1.1", "CONNECT a: HTTP/1.1", "CONNECT :80 HTTP/1.1",
      "CONNECT http://a:80/ HTTP/1.1", "CONNECT u@a:80 HTTP/1.1", "CONNECT * HTTP/1.1"}},
    {"CONNECT is not served", 501, {"CONNECT a:80 HTTP/1.1", "CONNECT a:443 HTTP/1.1"}},
};

// Shape: version().
const Table kVersions = {
    {"HTTP, a slash, a digit, a dot, a digit, case-sensitive, RFC 9112 section 2.3",
     400,
     {"http/1.1",  "Http/1.1",  "HTTP/1",    "HTTP/1.",    "HTTP/.1",     "HTTP/11",
      "HTTP/1.10", "HTTP/01.1", "HTTP/1.01", "HTTP/1.1.1", "HTTP/1,1",    "HTTP/1 .1",
      "HTTP /1.1", "HTTP/+1.1", "HTTP/1.x",  "HTTP-1.1",   "HTTP 1.1",    "HTTPS/1.1",
      "xHTTP/1.1", "RTSP/1.0",  "SIP/2.0",   "ICAP/1.0",   "HTTP/\xB9.1", "HTTP/1.1\0"s}},
    {"another major version, RFC 9110 section 15.6.6",
     505,
     {"HTTP/0.9", "HTTP/0.0", "HTTP/0.1", "HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/3.1",
      "HTTP/9.9"}},
    {"a higher minor version is taken as 1.1, RFC 9110 section 2.5",
     200,
     {"HTTP/1.2", "HTTP/1.9"},
     {"/"}},
};

// Shape: get().
const Table kTargets = {
    {"no form of a target, RFC 9112 section 3.2",
     400,
     {"", "*", "a", "a:80", "a:443", "job", "livez", "?x", "?a", "#", "\\"}},
    {"no fragment, RFC 9110 section 7.1",
     400,
     {"/#", "/a#b", "/a?b#c", "http://#", "http://a#b", "http://a/#b"}},
    {"an escape is % and two hex digits, RFC 3986 section 2.1",
     400,
     {"/%", "/%2", "/a%2", "/%zz", "/a%zz", "/%%", "/%2g", "/a%4g", "/%g2", "/a%g4", "/?%", "/?%2",
      "/a?b=%", "/?a=%zz"}},
    {"bytes that stand for nothing in a URI, RFC 3986 section 2",
     400,
     {"/a\\b", "/..\\a", "/a b", "/a  b", "//a b", "/a\tb", "/\xC3\xA4", "/?\xC3\xA4", "/\xFF",
      "/<a>", "/{a}", "/a|b", "/a^b", "/`a`", "/\"a\"", "/[a]", "/?[a]", "/\0"s}},
    {"http and https have an authority, RFC 9110 section 4.2",
     400,
     {"http:", "http:/", "http:a", "http:/a", "http://", "http:///", "http:///x", "http://?x"}},
    {"without a user, RFC 9110 section 4.2.4", 400, {"http://u@a/", "http://u:p@a/"}},
    {"a well-formed one, RFC 3986 section 3.2",
     400,
     {"http://a:b/", "http://a b/", "http://[::1/", "http://[::g]/", "http://a\\b/",
      "http://\xC3\xA4/"}},
    {"another scheme is not served",
     400,
     {"ftp://a/", "file:///etc/passwd", "javascript:alert", "data:,a", "ws://a/"}},
    {"a path may begin with an empty segment, RFC 9112 section 3.2.1", 200, {"//"}, {"//"}},
    {"the same", 200, {"///"}, {"///"}},
    {"an address of a later kind, and a port may be empty, RFC 3986 section 3.2",
     200,
     {"http://[v1.x:y]:/"},
     {"http://[v1.x:y]:/"}},
};

// Shape: hosted().
const Table kHosts = {
    {"one host, RFC 9112 section 3.2", 400, {"a, b", "a b", "a\tb", "a[::1]"}},
    {"a host and a port, nothing else, RFC 9110 section 7.2",
     400,
     {"u@a", "u:p@a", "@a", "a@", "a/", "/a", "a/b", "a?b", "a#b", "a\\b", "http://a", "//a"}},
    {"a port is digits, and behind a host, RFC 3986 section 3.2.3",
     400,
     {"a:b", "a:8o", "a:80:80", "a:80:81", "a:-1", "a:+80", "a:0x50", "a: 80", ":80"}},
    {"an IPv6 address, whole and in brackets, RFC 3986 section 3.2.2",
     400,
     {"::1", "[", "]", "[]", "[]:80", "[::1", "::1]", "[::1]a", "[::1]x", "[::1]:a", "[::g]", "[a]",
      "[1.2.3.4]", "[::1%25lo]", "[v1]", "[v1.]", "[v.a]", "[::1]:80:80"}},
    {"an escape is % and two hex digits, RFC 3986 section 2.1", 400, {"a%", "a%2", "a%zz", "a%0"}},
    {"bytes that stand for nothing in a URI, RFC 3986 section 2",
     400,
     {"<a>", "{a}", "a|b", "a^b", "`a`", "\"a\"", "\xC3\xA4", "\xE4", "a\xFF"}},
    {"a host may be empty, RFC 9112 section 3.2; a port, too, RFC 3986 section 3.2.3",
     200,
     {"", "a:", "a:80 "},
     {"/"}},
    {"addresses in brackets, RFC 3986 section 3.2.2",
     200,
     {"[2001:db8::1]:8080", "[::ffff:192.0.2.1]"},
     {"/"}},
    {"bytes of a name, RFC 3986 section 3.2.2, a comma among them: bide has one site only",
     200,
     {"a%20b_c~!$&'()*+,;=", "a,b"},
     {"/"}},
};

// Shape: lines(). The target is not absolute.
const Table kHostLines = {
    {"one Host, RFC 9112 section 3.2",
     400,
     {"", "X: y\r\n", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: a\r\n", "Host: a\r\nHost: b\r\n",
      "Host: a\r\nhOST: b\r\n", "Host: a\r\nHost:\r\n"}},
    {"a field line is a name, a colon, a value, RFC 9112 section 5",
     400,
     {"Host : a\r\n", "Host\r\n", " Host: a\r\n", "\tHost: a\r\n", " Host: a\r\nHost: a\r\n",
      "Host: a\r\n\tb\r\n", "X: y\r\n Host: b\r\nHost: a\r\n", "X: y\rHost: a\r\n"}},
    {"space around a value is not of it, RFC 9112 section 5.1", 200, {"Host:\r\n"}, {"/"}},
};

// Shape: fields(), behind a good Host.
const Table kFields = {
    {"no space before the colon, RFC 9112 section 5.1",
     400,
     {"Content-Length : 3\r\n", "Transfer-Encoding\t: chunked\r\n"}},
    {"no folded lines, RFC 9112 section 5.2",
     400,
     {"X: a\r\n b\r\n", "Transfer-Encoding: chunked\r\n\t, x\r\n"}},
    {"a name is a token, RFC 9110 section 5.1",
     400,
     {": x\r\n", "Nothing\r\n", "X(y): z\r\n", "X\xE4: z\r\n", "X\0: z\r\n"s}},
    {"a value has no control bytes but tabs, RFC 9110 section 5.5",
     400,
     {"X: a\0b\r\n"s, "X: a\x0B b\r\n", "X: a\x7F\r\n"}},
    {"CR LF and nothing else ends a line, RFC 9112 section 2.2",
     400,
     {"X: a\nY: b\r\n", "X: a\rY: b\r\n", "X: a\r\r\nContent-Length: 5\r\n", "\n", "\rX"}},
    {"a value may be empty, or any other bytes; so may a length be zeros and a list empty",
     200,
     {"X:\r\nY: \t \r\nZ: \"a\tb\" \xFF\r\nContent-Length: 000\r\nExpect: ,\r\n",
      "X: GET /inner HTTP/1.1 \\r\\n %0d%0a \xFF\t:\r\n"},
     {"/"}},
    {"an Upgrade may be ignored, RFC 9110 section 7.8",
     200,
     {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
      "AAMAAABkAAQAAP__\r\n"},
     {"/"}},
    {"no Connection takes Host away, RFC 9110 section 7.6.1",
     200,
     {"Connection: Host, X-Y\r\nX-Y: z\r\n"},
     {"/"}},
};

// Shape: expecting().
const Table kExpectations = {
    {"one expectation can be met, RFC 9110 section 10.1.1",
     417,
     {"x", "200-ok", "100-continue, x", "x, 100-continue", "y 100-continue", "100-continue;x",
      "100-continue=x", "\"100-continue\"", "100 -continue", "100", "100-continuex"}},
};

// All bytes that are sent.
const Table kWhole = {
    {"one empty line may come first, RFC 9112 section 2.2", 200, {"\r\n" + get("/x")}, {"/x"}},
    {"and nothing else, the same section",
     400,
     {"\n" + get("/"), "\n\n" + get("/"), "\rGET / HTTP/1.1\r\n\r\n", "\r\n\r\n" + get("/"),
      "\r\n " + get("/"), " \r\n" + get("/"), "\0"s + get("/"), "\xEF\xBB\xBF" + get("/")}},
    {"CR LF and nothing else ends a line, the same section",
     400,
     {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"}},
    {"HTTP/0.9 has no version", 400, {"GET /\r\n", "GET /livez\r\nHost: a\r\n\r\n"}},
    {"not quite HTTP/2's preface, RFC 9113 section 3.4", 505, {"PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n"}},
    {"TLS, SSLv2",
     400,
     {"\x16\x03\x01\x02", "\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03"s + std::string(32, 'r'),
      "\x80\x2E\x01\0\x02"s}},
    {"the PROXY protocol, versions 1 and 2",
     400,
     {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get("/"), "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C"s}},
    {"SSH, SMTP, Redis, NATS, memcached, PostgreSQL, Flash",
     400,
     {"SSH-2.0-OpenSSH_9.2\r\n", "EHLO a\r\n", "*1\r\n$4\r\nPING\r\n",
      "CONNECT {\"verbose\":false}\r\nPING\r\n", "stats\r\n", "\0\0\0\x12\x04"s,
      "<policy-file-request/>\0"s}},
    {"one Host also with an absolute target, RFC 9112 section 3.2",
     400,
     {"GET http://a/ HTTP/1.1\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n"}},
    {"and one at most in HTTP/1.0",
     400,
     {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"}},
    {"which needs none", 200, {"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}, {"/x"}},
    {"Host says nothing about an absolute target, RFC 9112 section 3.2.2",
     200,
     {"GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n"},
     {"http://a/x"}},
};

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

const std::string kGood = "GET /x?y HTTP/1.1\r\nHost: a:80\r\nX-Y: z z\r\n\r\n";

}  // namespace

TEST_CASE("request_head: request lines") { check_table(kRequestLines, line); }
TEST_CASE("request_head: versions") { check_table(kVersions, version); }
TEST_CASE("request_head: targets") { check_table(kTargets, get); }
TEST_CASE("request_head: hosts") { check_table(kHosts, hosted); }
TEST_CASE("request_head: Host lines") { check_table(kHostLines, lines); }
TEST_CASE("request_head: fields") { check_table(kFields, fields); }
TEST_CASE("request_head: expectations") { check_table(kExpectations, expecting); }
TEST_CASE("request_head: first bytes, other protocols, other versions' hosts") {
  check_table(kWhole);
}

TEST_CASE("request_head: every line ends with CR LF, and with nothing else") {
  std::vector<std::string> all;
  for (std::size_t at = kGood.find("\r\n"); at != std::string::npos;
       at = kGood.find("\r\n", at + 1)) {
    for (const char* end : {"\n", "\r", "\r\r\n", "\n\r", "\r\n\n", "\r\0\n", "\x0B", "\x85",
                            "\xE2\x80\xA8", " ", ""}) {
      const bool complete = at + 2 == kGood.size() && std::string_view(end) == "\r\n\n";
      if (complete) continue;  // And an LF behind it.
      all.push_back(kGood.substr(0, at) + end + kGood.substr(at + 2) +
                    std::string(testing::kBehind));
    }
  }
  check_table({{"RFC 9112 section 2.2", 400, all}});
}

TEST_CASE("request_head: no control byte may stand anywhere") {
  std::vector<std::string> on_a_socket;
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    for (int byte = 0; byte <= 0x7F; ++byte) {
      if ((byte >= 0x20 && byte < 0x7F) || byte == '\t') continue;
      std::string instead = kGood;
      instead[at] = static_cast<char>(byte);
      std::string between = kGood;
      between.insert(at, 1, static_cast<char>(byte));
      if (instead != kGood) check_parser_refuses(instead + "X");
      const bool complete = at + 1 == kGood.size() && byte == '\n';
      if (!complete) check_parser_refuses(between);
      if (byte == 0) on_a_socket.push_back(between);
    }
  }
  check_table({{"RFC 9110 section 5.5", 400, on_a_socket}});
}

TEST_CASE("request_head: methods and names are tokens, hosts and paths what RFC 3986 says") {
  for (int value = 0; value <= 0xFF; ++value) {
    const auto byte = static_cast<char>(value);
    const std::string one(1, byte);
    CAPTURE(value);
    const bool token = is_one_of(byte, kTokenMarks);
    const bool uri = is_one_of(byte, kPathMarks) || byte == '?';
    CHECK(accepts(line("G" + one + "T / HTTP/1.1")) == token);
    CHECK(accepts(line(one + "GET / HTTP/1.1")) == token);
    CHECK(accepts(fields("X" + one + "Y: z\r\n")) == (token || byte == ':'));
    CHECK(accepts(fields(one + "Y: z\r\n")) == token);
    CHECK(accepts(fields("X" + one + ": z\r\n")) == (token || byte == ':'));
    CHECK(accepts(get("/a" + one + "b")) == uri);
    CHECK(accepts(hosted("a" + one + "b")) == is_one_of(byte, kHostMarks));
  }
}

TEST_CASE("request_head: a refusal comes with the byte that earns it, not later") {
  for (const std::string& bytes :
       {"G\n"s, "GET /\x01"s, "GET / HTTP/1.1\n"s, "GET / HTTP/1.1\r\n "s,
        "GET / HTTP/1.1\r\nHost "s, "GET / HTTP/1.1\r\nHost: a\0"s,
        "GET / HTTP/1.1\r\nHost: a\n"s}) {
    check_parser_refuses(bytes);
  }
}

TEST_CASE("request_head: requests before an error are answered, those behind it are not") {
  ServedTable server;
  Client client = server.dial();
  client.send(get("/livez") + get("/nothing") + "GET /livez HTTP/1.1\r\n\r\n" + get("/livez"));
  CHECK(client.response().starts_with("HTTP/1.1 200 "));
  CHECK(client.response().starts_with("HTTP/1.1 404 "));
  CHECK(client.response().starts_with("HTTP/1.1 400 "));
  CHECK(client.at_end());
}

TEST_CASE("request_head: with an absolute target Host does not count for a WebSocket either") {
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
    "request_head: an escaped unreserved character is that character, RFC 9110 section 4.2.3") {
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

TEST_CASE("request_head: a resource has one path, and no other spelling of it") {
  ServedTable server;
  server.apply(testing::defined("a", 1));
  Client client = server.dial();
  for (const char* target : {"//livez",          "/livez/",    "/livez//",    "/./livez",
                             "/x/../livez",      "/../livez",  "/livez/.",    "/%256civez",
                             "/livez%00",        "/livez%20",  "/livez;x",    "/livez%3Fx",
                             "/livez%2F",        "/%2Flivez",  "/%2e/livez",  "/x/%2e%2e/livez",
                             "/LIVEZ",           "/job//a",    "/job/a/",     "/job/%2561",
                             "/job/a%00",        "/job/./a",   "/job/x/../a", "/job/a;x",
                             "/job/a%2Fevents",  "/job%2Fa",   "//job/a",     "/api//job/a",
                             "/api/api/job/a",   "/API/job/a", "/apijob/a",   "/%2561pi/job/a",
                             "http://a//livez",  "/job%2fa",   "/job/a%2Dx",  "/%2E/livez",
                             "/job/%2e%2E/livez"}) {
    CAPTURE(target);
    client.send(get(target));
    CHECK(client.response().starts_with("HTTP/1.1 404 "));
  }
}

}  // namespace bide
