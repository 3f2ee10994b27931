// Requests whose end two servers have seen in different places, as published for other servers and
// proxies: CL.TE, TE.CL, TE.TE, CL.0, 0.CL, and what chunks have been made of. Every spelling of a
// framing field is tried alone and next to a length, before and behind it.
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
using testing::Hostile;

constexpr std::string_view kPost = "POST /x HTTP/1.1\r\nHost: a\r\n";
constexpr std::string_view kInner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";

std::string post(std::string_view lines, std::string_view body = {}) {
  return std::string(kPost).append(lines).append("\r\n").append(body);
}
std::string chunks(std::string_view body) { return post(kChunked, body); }
std::string length_of(std::string_view body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}

// Lines that some server has taken for `Transfer-Encoding: chunked`, and some other has not.
const std::vector<std::string> kCodingLines = {
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    "Transfer-Encoding\x0B: chunked",
    "Transfer-Encoding\0: chunked"s,
    "Transfer-Encoding\xA0: chunked",
    "Transfer Encoding: chunked",
    "Transfer-Encoding chunked",
    "Transfer-Encoding=chunked",
    "Transfer-Encoding;: chunked",
    "Transfer-Encoding:: chunked",
    "Transfer-Encoding\r\n: chunked",
    "Transfer-\r\nEncoding: chunked",
    " Transfer-Encoding: chunked",
    "\tTransfer-Encoding: chunked",
    "\0Transfer-Encoding: chunked"s,
    "\x0BTransfer-Encoding: chunked",
    "Foo: bar\nTransfer-Encoding: chunked",
    "Foo: bar\rTransfer-Encoding: chunked",
    "Foo: bar\r\r\nTransfer-Encoding: chunked",
    "Foo: bar\n\rTransfer-Encoding: chunked",
    "Foo: bar\0\r\nTransfer-Encoding: chunked"s,
    "Foo: bar\r\n Transfer-Encoding: chunked",
    "Foo\r\nTransfer-Encoding: chunked",
    ": x\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding:",
    "Transfer-Encoding:\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\ntransfer-encoding: x",
};

// The same of its value. Those that are in the grammar and have no other fault than to be unknown.
const std::vector<std::string> kUnknownCodings = {
    " xchunked",
    " chunkedx",
    " chunke",
    " 'chunked'",
    " identity, chunked",
    " identity,chunked",
    " cow, chunked",
    " gzip, chunked",
    " deflate",
    " compress, gzip",
    " trailers",
    " identity",
    " 0",
};
// And all others.
const std::vector<std::string> kCodings = {
    "",
    " ",
    ",",
    " x chunked",
    " chunked x",
    " \"chunked\"",
    " (chunked)",
    " chunked;",
    " chunked;q=1",
    " chunked ; x=y",
    " chunked=1",
    " chunked,",
    " ,chunked",
    " , chunked",
    " chunked, ,",
    " ,,chunked,,",
    " chunked, identity",
    " chunked, chunked",
    " chunked,chunked",
    " chunked, cow",
    " cow chunked bar",
    " chunked, gzip",
    "\x0B chunked",
    " chunked\x0B",
    "\x0C chunked",
    " chunked\x0C",
    "\x01 chunked",
    " chunked\x1F",
    " chunked\x7F",
    " \0chunked"s,
    " chunked\0"s,
    " \x85 chunked",
    " \xA0 chunked",
    " chunked\xA0",
    " \xC2\xA0 chunked",
    " \xEF\xBB\xBF chunked",
    " chun\xE2\x84\xAA"
    "ed",
    "\n chunked",
    "\r chunked",
    "\r\n chunked",
    "\r\n\tchunked",
    " chunked\r\n , x",
    " chunked\r",
    " chunked\r ",
    " chunked\n",
};

// Lengths that have been read as 5, or as none, or as something else.
const std::vector<std::string> kLengths = {
    "",
    " ",
    "+5",
    "-5",
    "-0",
    "0x5",
    "0x",
    "5h",
    "0b1",
    "0o5",
    "5_0",
    "_5",
    "5_",
    "5 5",
    "5\t5",
    "5,",
    ",5",
    "5,5",
    "5, 5",
    "5, 6",
    "5;5",
    "5;",
    "5.",
    "5.0",
    ".5",
    "5e0",
    "1e1",
    "'5'",
    "\"5\"",
    "(5)",
    "five",
    "NaN",
    "inf",
    "a",
    "\x0B"
    "5",
    "5\x0B",
    "\x0C"
    "5",
    "5\x0C",
    "\0"
    "5"s,
    "5\0"s,
    "5\r",
    "5\n",
    "\r5",
    "\n5",
    "\r\n 5",
    "5\r\n 5",
    "\xA0"
    "5",
    "5\xA0",
    "\xB2",
    "\xEF\xBC\x95",
    "\xD9\xA5",
    "5\x7F",
    "18446744073709551616",  // 2^64
    "18446744073709551621",  // 2^64 + 5
    "-18446744073709551611",
    "36893488147419103237",
    "99999999999999999999999999",
    "00000000000000000005",  // Twenty digits: no zeros more than a 64-bit number may have.
};

const std::vector<std::string> kLengthLines = {
    "Content-Length : 5",
    "Content-Length\t: 5",
    "Content-Length\0: 5"s,
    "Content Length: 5",
    "Content-Length 5",
    "Content-Length=5",
    " Content-Length: 5",
    "Foo: bar\nContent-Length: 5",
    "Foo: bar\rContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: 5",
    "Content-Length: 5\r\ncontent-length: 5",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 0\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length:",
    "Content-Length:\r\nContent-Length: 5",
    "Content-Length: 5\r\nContent-Length: +5",
};

}  // namespace

TEST_CASE(
    "smuggling: a transfer coding that is not exactly `chunked` is refused, however spelled") {
  std::vector<std::string> lines = kCodingLines;
  for (const std::string& coding : kCodings) lines.push_back("Transfer-Encoding:" + coding);
  const std::string body = "0\r\n\r\n";
  std::vector<Hostile> all;
  for (const std::string& coding : kUnknownCodings) {
    const std::string line = "Transfer-Encoding:" + coding;
    all.push_back({line, post(line + "\r\n", body), 501});
    all.push_back({line + ", length behind", post(line + "\r\n" + length_of(body), body)});
    all.push_back({line + ", length before", post(length_of(body) + line + "\r\n", body)});
  }
  for (const std::string& line : lines) {
    all.push_back({line, post(line + "\r\n", body)});
    all.push_back({line + ", length behind", post(line + "\r\n" + length_of(body), body)});
    all.push_back({line + ", length before", post(length_of(body) + line + "\r\n", body)});
  }
  check_refused(all);
}

TEST_CASE("smuggling: a length and a coding together are refused, whichever is right") {
  std::vector<Hostile> all;
  for (const char* coding : {"Transfer-Encoding: chunked\r\n", "transfer-encoding:CHUNKED\r\n",
                             "Transfer-Encoding:\tchunked\t\r\n"}) {
    for (const char* length : {"Content-Length: 0\r\n", "content-length:5\r\n",
                               "Content-Length: 6\r\n", "Content-Length: 5\r\nX: y\r\n"}) {
      const std::string body = "0\r\n\r\nG";
      all.push_back({"CL.TE", post(std::string(length) + coding, body)});
      all.push_back({"TE.CL", post(std::string(coding) + length, body)});
      all.push_back({"with a request", post(std::string(coding) + length, kInner)});
    }
  }
  check_refused(all);
}

TEST_CASE("smuggling: HTTP/1.0 has no transfer codings") {
  check_refused({
      {"alone", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"kept alive",
       "POST /x HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n"
       "\r\n0\r\n\r\n"},
      {"with a length",
       "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"
       "\r\n0\r\n\r\n"},
  });
}

TEST_CASE("smuggling: a length that is not digits, or said twice, is refused") {
  std::vector<std::string> lines = kLengthLines;
  for (const std::string& length : kLengths) lines.push_back("Content-Length: " + length);
  std::vector<Hostile> all;
  for (const std::string& line : lines) all.push_back({line, post(line + "\r\n", "hello")});
  all.push_back({"2^32 + 5", post("Content-Length: 4294967301\r\n", "hello"), 413});
  all.push_back({"2^63 - 1", post("Content-Length: 9223372036854775807\r\n", "hello"), 413});
  check_refused(all);
}

TEST_CASE("smuggling: what looks like two requests and is one, and the other way round") {
  const std::string inner(kInner);
  const std::string trailers = "Content-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n";
  check_harmless({
      {"CL.0: the length counts, whatever the method", post(length_of(inner), inner), {"/x"}},
      {"a GET may have a body, RFC 9110 section 9.3.1",
       "GET /x HTTP/1.1\r\nHost: a\r\n" + length_of(inner) + "\r\n" + inner,
       {"/x"}},
      {"OPTIONS may have a chunked one",
       "OPTIONS /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n" +
           inner.substr(0, 31) + "\r\n0\r\n\r\n",
       {"/x"}},
      {"0.CL: there is no body, so the next request follows",
       post("Content-Length: 0\r\n", inner),
       {"/x", "/inner"}},
      {"no length is no body, RFC 9112 section 6.3", post("", inner), {"/x", "/inner"}},
      {"names of fields have a hyphen, other names say nothing about a body",
       post("Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 5\r\n", inner),
       {"/x", "/inner"}},
      {"TE is about the response", post("TE: chunked, trailers\r\n", inner), {"/x", "/inner"}},
      {"Connection takes no field of framing away, RFC 9110 section 7.6.1",
       post("Connection: Content-Length, Transfer-Encoding, Host\r\n" + length_of(inner), inner),
       {"/x"}},
      {"names and codings have no case, spaces and tabs may stand around a value",
       post("tRANSFER-eNCODING:\t  ChunKed \t \r\n", "0\r\n\r\n"),
       {"/x"}},
      {"a length is decimal, whatever zeros it begins with",
       post("Content-Length: 010\r\n", "0123456789"),
       {"/x"}},
      {"zeros before a chunk's size", chunks("00000005\r\nhello\r\n0000\r\n\r\n"), {"/x"}},
      {"extensions say nothing that bide must know, RFC 9112 section 7.1.1",
       chunks("5;a;b=c;d=\"e;\\\"f\"\r\nhello\r\n0;g\r\n\r\n"),
       {"/x"}},
      {"space before an extension is suffered by the same section",
       chunks("5 \t;a = b\r\nhello\r\n0\r\n\r\n"),
       {"/x"}},
      {"trailers are dropped, whatever they are called, RFC 9112 section 7.1.2",
       chunks("0\r\n" + trailers + "\r\n"),
       {"/x"}},
      {"a chunk may hold what looks like the last one",
       chunks("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
       {"/x"}},
  });
}

}  // namespace bide
