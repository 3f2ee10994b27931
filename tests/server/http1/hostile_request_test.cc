// What other servers were broken with, and what ours says to it. Sources: the request smuggling
// literature (CL.TE, TE.CL, TE.TE, chunk extensions) and advisories for servers and proxies.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/server/http1/hostile.h"

namespace bide {
namespace {

using namespace std::string_literals;
using testing::check_refused;
using testing::Hostile;

// After a good request line and Host.
std::string fields(std::string_view lines) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}
std::string line(std::string_view start) { return std::string(start) + "\r\nHost: a\r\n\r\n"; }
std::string host(std::string_view lines) {
  return "GET / HTTP/1.1\r\n" + std::string(lines) + "\r\n";
}
std::string coded(std::string_view coding) {
  return fields("Transfer-Encoding:" + std::string(coding) + "\r\n") + "0\r\n\r\n";
}
std::string chunks(std::string_view body) {
  return fields("Transfer-Encoding: chunked\r\n") + std::string(body);
}

const std::vector<Hostile> kRequestLines = {
    {"garbage", "\x16\x03\x01\x02", 400},
    {"HTTP/0.9", "GET /\r\n", 400},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"HTTP/2.1", line("GET / HTTP/2.1"), 505},
    {"HTTP/3.1", line("GET / HTTP/3.1"), 505},
    {"two-digit minor", line("GET / HTTP/1.10"), 400},
    {"lower-case version", line("GET / http/1.1"), 400},
    {"no minor", line("GET / HTTP/1"), 400},
    {"other protocol", line("GET / ICAP/1.0"), 400},
    {"two spaces before target", line("GET  / HTTP/1.1"), 400},
    {"two spaces after target", line("GET /  HTTP/1.1"), 400},
    {"tab for a space", line("GET\t/ HTTP/1.1"), 400},
    {"space at the end", line("GET / HTTP/1.1 "), 400},
    {"space at the start", line(" GET / HTTP/1.1"), 400},
    {"space in target", line("GET /a b HTTP/1.1"), 400},
    {"method not a token", line("G@T / HTTP/1.1"), 400},
    {"no method", line("/ HTTP/1.1"), 400},
    {"empty method", line(" / HTTP/1.1"), 400},
    {"empty target", line("GET  HTTP/1.1"), 400},
    {"two empty lines first", "\r\n\r\n" + line("GET / HTTP/1.1"), 400},
    {"LF first", "\n" + line("GET / HTTP/1.1"), 400},
    {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
    {"NUL in method", "G\0T / HTTP/1.1\r\n"s, 400},
    {"NUL in target", "GET /\0 HTTP/1.1\r\n"s, 400},
    {"8-bit target", line("GET /\xC3\xA4 HTTP/1.1"), 400},
    {"fragment", line("GET /a#b HTTP/1.1"), 400},
    {"backslash", line("GET /a\\b HTTP/1.1"), 400},
    {"half an escape", line("GET /a%2 HTTP/1.1"), 400},
    {"no escape", line("GET /a%zz HTTP/1.1"), 400},
    {"first digit not hex", line("GET /a%g4 HTTP/1.1"), 400},
    {"second digit not hex", line("GET /a%4g HTTP/1.1"), 400},
    {"broken escape in query", line("GET /a?b=% HTTP/1.1"), 400},
    {"path without slash", line("GET job HTTP/1.1"), 400},
    {"only a query", line("GET ?a HTTP/1.1"), 400},
    {"asterisk for GET", line("GET * HTTP/1.1"), 400},
    {"authority form for GET", line("GET a:80 HTTP/1.1"), 400},
    {"CONNECT", line("CONNECT a:443 HTTP/1.1"), 501},
    {"CONNECT to a path", line("CONNECT / HTTP/1.1"), 400},
    {"CONNECT without port", line("CONNECT a HTTP/1.1"), 400},
    {"other scheme", line("GET ftp://a/ HTTP/1.1"), 400},
    {"absolute without authority", line("GET http:///x HTTP/1.1"), 400},
    {"absolute with user", line("GET http://u:p@a/ HTTP/1.1"), 400},
    {"absolute with bad port", line("GET http://a:b/ HTTP/1.1"), 400},
};

const std::vector<Hostile> kHosts = {
    {"no Host", host(""), 400},
    {"no Host with absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", host("Host: a\r\nHost: b\r\n"), 400},
    {"the same Host twice", host("Host: a\r\nhost: a\r\n"), 400},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"two Hosts with absolute target", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"list of hosts", host("Host: a, b\r\n"), 400},
    {"Host with path", host("Host: a/b\r\n"), 400},
    {"Host with user", host("Host: u@a\r\n"), 400},
    {"Host with space", host("Host: a b\r\n"), 400},
    {"port not a number", host("Host: a:8o\r\n"), 400},
    {"only a port", host("Host: :80\r\n"), 400},
    {"two ports", host("Host: a:80:81\r\n"), 400},
    {"naked IPv6", host("Host: ::1\r\n"), 400},
    {"broken IPv6", host("Host: [::g]\r\n"), 400},
    {"open bracket", host("Host: [::1\r\n"), 400},
    {"after the bracket", host("Host: [::1]x\r\n"), 400},
    {"8-bit Host", host("Host: \xE4\r\n"), 400},
    {"space before the Host's colon", host("Host : a\r\n"), 400},
};

const std::vector<Hostile> kFields = {
    {"space before the colon", fields("Content-Length : 3\r\n") + "abc", 400},
    {"tab before the colon", fields("Transfer-Encoding\t: chunked\r\n"), 400},
    {"folded line", fields("X: a\r\n b\r\n"), 400},
    {"folded with a tab", fields("Transfer-Encoding: chunked\r\n\t, x\r\n"), 400},
    {"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", 400},
    {"empty name", fields(": x\r\n"), 400},
    {"no colon", fields("Nothing\r\n"), 400},
    {"name not a token", fields("X(y): z\r\n"), 400},
    {"8-bit name", fields("X\xE4: z\r\n"), 400},
    {"NUL in name", fields("X\0: z\r\n"s), 400},
    {"NUL in value", fields("X: a\0b\r\n"s), 400},
    {"control byte in value", fields("X: a\x0B b\r\n"), 400},
    {"DEL in value", fields("X: a\x7F\r\n"), 400},
    {"bare LF ends a field", fields("X: a\nY: b\r\n"), 400},
    {"bare CR in value", fields("X: a\rY: b\r\n"), 400},
    {"bare LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"bare CR ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
    {"field cut by a bare CR", fields("X: a\r\r\nContent-Length: 5\r\n"), 400},
    {"another expectation", fields("Expect: 200-ok\r\n"), 417},
    {"two expectations", fields("Expect: 100-continue, x\r\n"), 417},
};

const std::vector<Hostile> kLengths = {
    {"two lengths", fields("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
    {"the same length twice", fields("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
    {"list of lengths", fields("Content-Length: 5, 5\r\n"), 400},
    {"plus", fields("Content-Length: +5\r\n"), 400},
    {"minus", fields("Content-Length: -5\r\n"), 400},
    {"hex", fields("Content-Length: 0x5\r\n"), 400},
    {"space inside", fields("Content-Length: 5 5\r\n"), 400},
    {"fraction", fields("Content-Length: 5.0\r\n"), 400},
    {"empty", fields("Content-Length:\r\n"), 400},
    {"2^64", fields("Content-Length: 18446744073709551616\r\n"), 400},
    {"2^64 and 5", fields("Content-Length: 18446744073709551621\r\n"), 400},
    {"CL.TE", fields("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\nG", 400},
    {"TE.CL", fields("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") + "5c\r\nGPOST", 400},
    {"CL.TE with length 0", fields("Content-Length: 0\r\ntransfer-encoding: chunked\r\n"), 400},
};

const std::vector<Hostile> kCodings = {
    {"identity", coded(" identity"), 501},
    {"gzip", coded(" gzip"), 501},
    {"gzip, chunked", coded(" gzip, chunked"), 501},
    {"gzip, deflate;q=\"1\", chunked", coded(" gzip, deflate ; q = \"1\" ,chunked"), 501},
    {"chunked, gzip", coded(" chunked, gzip"), 400},
    {"malformed parameter", coded(" gzip;q, chunked"), 400},
    {"chunked, identity", coded(" chunked, identity"), 400},
    {"chunked twice", coded(" chunked, chunked"), 400},
    {"two lines", fields("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"), 400},
    {"two lines, the last one good",
     fields("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
    {"chunked on two lines",
     fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
    {"xchunked", coded(" xchunked"), 501},
    {"quoted", coded(" \"chunked\""), 400},
    {"parameter", coded(" chunked;q=1"), 400},
    {"trailing comma", coded(" chunked,"), 400},
    {"vertical tab", coded(" \x0B chunked"), 400},
    {"empty", coded(""), 400},
    {"HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"line feed first", coded("\n chunked"), 400},
};

const std::vector<Hostile> kChunks = {
    {"no size", chunks("\r\nabc"), 400},
    {"0x size", chunks("0x5\r\nhello\r\n"), 400},
    {"plus", chunks("+5\r\nhello\r\n"), 400},
    {"minus", chunks("-1\r\n"), 400},
    {"space first", chunks(" 5\r\nhello\r\n"), 400},
    {"space last", chunks("5 \r\nhello\r\n"), 400},
    {"size not hex", chunks("g\r\n"), 400},
    {"underscore", chunks("1_0\r\n"), 400},
    {"nine digits", chunks("000000005\r\nhello\r\n"), 400},
    {"2^32 and 5", chunks("100000005\r\nhello\r\n"), 400},
    {"bare LF after size", chunks("5\nhello\r\n"), 400},
    {"bare CR after size", chunks("5\rhello\r\n"), 400},
    {"bare LF in extension", chunks("5;a\nhello\r\n"), 400},
    {"bare CR in extension", chunks("5;a\rb\r\nhello\r\n"), 400},
    {"NUL in extension", chunks("5;\0\r\n"s), 400},
    {"LF in a quoted extension", chunks("5;a=\"\n\"\r\nhello\r\n"), 400},
    {"data too long", chunks("5\r\nhelloX\r\n0\r\n\r\n"), 400},
    {"data ends with a bare LF", chunks("5\r\nhello\n0\r\n\r\n"), 400},
    {"data ends with a bare CR", chunks("5\r\nhello\r0\r\n\r\n"), 400},
    {"data ends with nothing", chunks("5\r\nhello0\r\n\r\n"), 400},
    {"bare LF ends the body", chunks("0\r\n\n"), 400},
    {"next request as trailer", chunks("0\r\nGET / HTTP/1.1\r\n"), 400},
    {"folded trailer", chunks("0\r\nX: a\r\n b\r\n\r\n"), 400},
    {"NUL in trailer", chunks("0\r\nX: \0\r\n\r\n"s), 400},
};

}  // namespace

TEST_CASE("airlock: hostile request lines are refused") { check_refused(kRequestLines); }
TEST_CASE("airlock: hostile hosts are refused") { check_refused(kHosts); }
TEST_CASE("airlock: hostile fields are refused") { check_refused(kFields); }
TEST_CASE("airlock: hostile lengths are refused") { check_refused(kLengths); }
TEST_CASE("airlock: hostile transfer codings are refused") { check_refused(kCodings); }
TEST_CASE("airlock: hostile chunks are refused") { check_refused(kChunks); }

TEST_CASE("airlock: unusual but legal requests are let in") {
  const std::vector<std::string> legal = {
      line("get / HTTP/1.1"),
      line("GET / HTTP/1.2"),
      line("GET / HTTP/1.9"),
      line("M!#$%&'*+-.^_`|~9 //a//../b;c=d,e@:%00?/?a:@ HTTP/1.1"),
      line("GET http://[v1.x:y]:/ HTTP/1.1"),
      host("Host:\r\n"),
      host("Host: [2001:db8::1]:8080\r\n"),
      host("Host: [::ffff:192.0.2.1]\r\n"),
      host("Host: a%20b_c~!$&'()*+,;=\r\n"),
      fields("X:\r\nY: \t \r\nZ: \"a\tb\" \xFF\r\nContent-Length: 000\r\nExpect: ,\r\n"),
      fields("Transfer-Encoding: CHUNKED\r\n") + "00000005;a=\"\\\"\"\r\nhello\r\n0;b\r\n\r\n",
      chunks("5\t ;a\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"),
      "GET / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
  };
  for (const std::string& bytes : legal) {
    CAPTURE(bytes);
    const Feeding whole = feed(bytes);
    CHECK(whole.status == 0);
    CHECK(whole.requests.size() == 1);
    CHECK(whole.left_bytes == 0);
    CHECK(feed_bytewise(bytes).same_verdict(whole));
  }
}

TEST_CASE("airlock: a refusal comes with the byte that earns it, not later") {
  CHECK(feed("G\n").status == 400);
  CHECK(feed("GET /\x01").status == 400);
  CHECK(feed("GET / HTTP/1.1\n").status == 400);
  CHECK(feed("GET / HTTP/1.1\r\n ").status == 400);
  CHECK(feed("GET / HTTP/1.1\r\nHost ").status == 400);
  CHECK(feed("GET / HTTP/1.1\r\nHost: a\0"s).status == 400);
  CHECK(feed("GET / HTTP/1.1\r\nHost: a\n").status == 400);
}

}  // namespace bide
