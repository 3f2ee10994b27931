// Requests whose end different servers have found in different places, as published for other
// servers and proxies: CL.TE, TE.CL, TE.TE, CL.0, 0.CL, and chunks. Every spelling of a coding is
// tried alone and next to a length, before and behind it.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/server/http1/request_table.h"

namespace bide {
namespace {

using namespace std::string_literals;
using testing::check_table;
using testing::Row;
using testing::Table;

const std::string kInner = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kLength = "Content-Length: 5\r\n";
const std::string kLastChunk = "0\r\n\r\n";  // Of five bytes.

std::string post(std::string_view lines, std::string_view body = {}) {
  return std::string("POST /x HTTP/1.1\r\nHost: a\r\n").append(lines).append("\r\n").append(body);
}
std::string length_of(std::string_view body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}
std::string chunks(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

std::string coding_lines(const std::string& lines) { return post(lines + "\r\n", kLastChunk); }
std::string coding_then_length(const std::string& lines) {
  return post(lines + "\r\n" + kLength, kLastChunk);
}
std::string length_then_coding(const std::string& lines) {
  return post(kLength + lines + "\r\n", kLastChunk);
}
std::string length_lines(const std::string& lines) { return post(lines + "\r\n", "hello"); }

std::string first_size(const std::string& size) {
  return chunks(size + "\r\nhello\r\n" + kLastChunk);
}
std::string second_size(const std::string& size) {
  return chunks("1\r\nx\r\n" + size + "\r\nhello\r\n" + kLastChunk);
}
std::string extended_size(const std::string& size) { return first_size(size + ";a=b"); }
std::string first_extension(const std::string& extension) { return first_size("5" + extension); }
std::string last_extension(const std::string& extension) {
  return chunks("0" + extension + "\r\n\r\n");
}

// A table of values as one of lines.
Table with_name(const std::string& name, Table values) {
  for (Row& row : values) {
    for (std::string& input : row.inputs) input.insert(0, name + ":");
  }
  return values;
}

Table all_refused(Table table) {
  for (Row& row : table) row.status = 400;
  return table;
}

// Values of Transfer-Encoding.
const Table kCodings = {
    {"codings have no case, space may stand around a value, RFC 9112 sections 5.1 and 7",
     200,
     {" chunked", "CHUNKED", "\tchunked\t", "\t  ChunKed \t "},
     {"/x"}},
    {"codings that bide does not know, RFC 9112 section 6.1",
     501,
     {" xchunked", " chunkedx", " chunke", " 'chunked'", " identity, chunked", " cow, chunked",
      " deflate", " identity,chunked", " gzip, chunked", " trailers", " identity",
      " compress, gzip", " gzip", " 0", " gzip, deflate ; q = \"1\" ,chunked"}},
    {"no list of codings, or one with an empty member, RFC 9110 section 10.1.4",
     400,
     {"", " ", ",", " x chunked", " chunked x", " \"chunked\"", " (chunked)", " chunked;",
      " chunked=1", " chunked,", " ,chunked", " , chunked", " chunked, ,", " ,,chunked,,",
      " cow chunked bar", " gzip;q, chunked"}},
    {"chunked has no parameters, RFC 9112 section 7", 400, {" chunked;q=1", " chunked ; x=y"}},
    {"chunked comes last, and once, RFC 9112 section 6.1",
     400,
     {" chunked, identity", " chunked, chunked", " chunked,chunked", " chunked, cow",
      " chunked, gzip"}},
    {"bytes that are no space, RFC 9110 section 5.6.3",
     400,
     {"\v chunked", " chunked\v", "\f chunked", " chunked\f", "\x01 chunked", " chunked\x1F",
      " chunked\x7F", " \0chunked"s, " chunked\0"s, " \x85 chunked", " \xA0 chunked",
      " chunked\xA0", " \xC2\xA0 chunked", " \xEF\xBB\xBF chunked", " chun\u212Aed"}},
    {"a line ends with CR LF, and is not folded, RFC 9112 sections 2.2 and 5.2",
     400,
     {"\n chunked", "\r chunked", "\r\n chunked", "\r\n\tchunked", " chunked\r\n , x", " chunked\r",
      " chunked\r ", " chunked\n"}},
};

// Lines that some server has taken for `Transfer-Encoding: chunked`, and another has not.
const Table kCodingLines = {
    {"a name is a token, and a colon is behind it, RFC 9112 section 5.1",
     400,
     {"Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", "Transfer-Encoding\v: chunked",
      "Transfer-Encoding\0: chunked"s, "Transfer-Encoding\xA0: chunked",
      "Transfer Encoding: chunked", "Transfer-Encoding chunked", "Transfer-Encoding=chunked",
      "Transfer-Encoding;: chunked", "Transfer-Encoding:: chunked",
      "Transfer-Encoding\r\n: chunked", "Transfer-\r\nEncoding: chunked",
      "\0Transfer-Encoding: chunked"s, "\vTransfer-Encoding: chunked",
      "Foo\r\nTransfer-Encoding: chunked", ": x\r\nTransfer-Encoding: chunked"}},
    {"no line begins with a space, RFC 9112 sections 2.2 and 5.2",
     400,
     {" Transfer-Encoding: chunked", "\tTransfer-Encoding: chunked",
      "Foo: bar\r\n Transfer-Encoding: chunked"}},
    {"CR LF and nothing else ends a line, RFC 9112 section 2.2",
     400,
     {"Foo: bar\nTransfer-Encoding: chunked", "Foo: bar\rTransfer-Encoding: chunked",
      "Foo: bar\r\r\nTransfer-Encoding: chunked", "Foo: bar\n\rTransfer-Encoding: chunked",
      "Foo: bar\0\r\nTransfer-Encoding: chunked"s}},
    {"one line: several have been used to hide one of them from a proxy",
     400,
     {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
      "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
      "Transfer-Encoding: chunked\r\nTransfer-encoding: cow",
      "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding:",
      "Transfer-Encoding:\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: chunked\r\ntransfer-encoding: x"}},
};

// Values of Content-Length, of which some have been read as 5, or as none, or as something else.
const Table kLengths = {
    {"a length is decimal, whatever zeros it begins with, RFC 9110 section 8.6",
     200,
     {" 5", " 05"},
     {"/x"}},
    {"Content-Length is digits, RFC 9110 section 8.6",
     400,
     {"",       " ",      " +5",    " -5",           " -0",       " 0x5",    " 0x",
      " 5h",    " 0b1",   " 0o5",   " 5_0",          " _5",       " 5_",     " 5 5",
      " 5\t5",  " 5;5",   " 5;",    " 5.",           " 5.0",      " .5",     " 5e0",
      " 1e1",   " '5'",   " \"5\"", " (5)",          " five",     " NaN",    " inf",
      " a",     " \v5",   " 5\v",   " \f5",          " 5\f",      " \0005"s, " 5\0"s,
      " \2405", " 5\xA0", " \xB2",  " \xEF\xBC\x95", " \xD9\xA5", " 5\x7F"}},
    {"and not a list, RFC 9112 section 6.3", 400, {" 5,", " ,5", " 5,5", " 5, 5", " 5, 6"}},
    {"a line ends with CR LF, and is not folded, RFC 9112 sections 2.2 and 5.2",
     400,
     {" 5\r", " 5\n", " \r5", " \n5", " \r\n 5", " 5\r\n 5"}},
    {"more digits than a 64-bit number has: 2^64, 2^64 + 5, zeros",
     400,
     {" 18446744073709551616", " 18446744073709551621", " -18446744073709551611",
      " 36893488147419103237", " 99999999999999999999999999", " 00000000000000000005"}},
    {"2^32 + 5 and 2^63 - 1 are more than a body may have, RFC 9110 section 15.5.14",
     413,
     {" 4294967301", " 9223372036854775807"}},
};

const Table kLengthLines = {
    {"a name is a token, and a colon is behind it, RFC 9112 section 5.1",
     400,
     {"Content-Length : 5", "Content-Length\t: 5", "Content-Length\0: 5"s, "Content Length: 5",
      "Content-Length 5", "Content-Length=5", " Content-Length: 5"}},
    {"CR LF and nothing else ends a line, RFC 9112 section 2.2",
     400,
     {"Foo: bar\nContent-Length: 5", "Foo: bar\rContent-Length: 5"}},
    {"one length, RFC 9112 section 6.3",
     400,
     {"Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\ncontent-length: 5",
      "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 0\r\nContent-Length: 5",
      "Content-Length: 5\r\nContent-Length:", "Content-Length:\r\nContent-Length: 5",
      "Content-Length: 5\r\nContent-Length: +5"}},
};

// Of a chunk of five bytes.
const Table kSizes = {
    {"a size is hex digits, RFC 9112 section 7.1",
     400,
     {"",    "0x5", "0X5", "5x",  "x5",    "+5",  "-5",  "-1",  "-0",           "_5",     "5_",
      "1_0", " 5",  "\t5", "5 5", "\v5",   "5\v", "\f5", "5\f", "5\0"s,         "\0005"s, "5,5",
      "5,",  "5.",  "5.0", "'5'", "\"5\"", "h5",  "5h",  "g",   "\xEF\xBC\x95", "\2405",  "5\xA0",
      "5=",  "5&",  "5:",  "5#"}},
    {"of eight digits at most: more serve only to overflow 32 or 64 bits",
     400,
     {"000000005", "00000000000000005", "100000005", "10000000000000005", "FFFFFFFFFFFFFFFFFFFF"}},
    {"CR LF and nothing else ends its line, RFC 9112 section 2.2",
     400,
     {"5\r", "5\n", "\r5", "\n5", "5\r\r", "5\n\r"}},
    {"2^32 - 1 is more than a body may have, RFC 9110 section 15.5.14", 413, {"FFFFFFFF"}},
    {"zeros may come first", 200, {"5", "00000005"}, {"/x"}},
};

// Behind a size. One that begins with a hex digit makes the size longer.
const Table kExtensions = {
    {"chunk-ext of RFC 9112 section 7.1.1, which bide need not understand",
     200,
     {";a",
      ";a;b",
      ";a=b",
      ";a=b;c=d",
      " ;a",
      "\t; a",
      ";\ta",
      ";a =b",
      ";a= b",
      ";a \t=\t b",
      ";a ;b",
      ";a=b ; c",
      ";a=\"\"",
      ";a=\"b c\"",
      ";a=\"b;c=d\\\"\\\\\"",
      ";a=\"b\" ;c",
      ";a=\"\t\xE4\\\xE4\\ \"",
      ";!#$%&'*+-.^_`|~0=!#$%&'*+-.^_`|~0",
      ";a=1",
      ";5=5",
      ";a=\"=\"",
      ";a=\"\\\"\"",
      "\t ;a",
      " \t;a = b",
      ";a;b=c;d=\"e;\\\"f\""},
     {"/x"}},
    {"no chunk-ext", 400, {";",         "; ",       ";;",          ";a;",           ";a;;b",
                           ";;a",       ";=",       ";=x",         ";a=",           ";a= ",
                           ";a=;b",     ";a==b",    ";a=b=c",      ";a b",          ";a b=c",
                           ";a=b c",    ";a=b ",    ";a ",         ";a\t",          ";a=\"b\" ",
                           ";bad[=x",   ";a[",      ";a=b[",       ";a=[",          ";a,b",
                           ";a=b,c",    ";\"a\"",   ";a\"b\"",     ";a=\"b\"c",     ";a=\"b\"\"c\"",
                           ";a=b\"c\"", ";a='b c'", ";a=\"b\";",   ";a:b",          ";a/b",
                           ";\xE4",     ";a=\xE4",  ";a=\"\x01\"", ";a=\"\\\x01\"", ";a=\"\x7F\"",
                           " ",         "\t",       " a",          "\ta",           " =a",
                           "=a",        " ;",       "a=b",         ";a=\\\"b\\\"",  ";(a)",
                           ";a=(b)",    ";\0"s,     ";\v",         ";\"",           ";a=\"b",
                           ";a=\"b\\\""}},
    {"CR LF and nothing else ends its line, RFC 9112 section 2.2",
     400,
     {";a\n", ";a\r", ";a\rb", ";a=\"\n\"", ";a=\"\r\n\"", ";a=\"b\\\r\n\""}},
    {"4096 bytes at most", 413, {";" + std::string(5000, 'a')}},
};

// Shape: chunks().
const Table kChunks = {
    {"CR LF and nothing else ends the line of a size, RFC 9112 section 2.2",
     400,
     {"5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "5;a\nhello\r\n0\r\n\r\n",
      "5;a\rhello\r\n0\r\n\r\n", "5;a\r\r\nhello\r\n0\r\n\r\n", "5;\n45\r\nhello\r\n0\r\n\r\n",
      "5;\r45\r\nhello\r\n0\r\n\r\n", "0;a\n\r\n", "0\n\r\n", "0\r\r\n\r\n"}},
    {"no space behind a size, RFC 9112 section 7.1",
     400,
     {"1\r\nx\r\n5 \r\nhello\r\n0\r\n\r\n", "1\r\nx\r\n5\t\r\nhello\r\n0\r\n\r\n"}},
    {"extensions of both chunks, and space before one, RFC 9112 section 7.1.1",
     200,
     {"5;a;b=c;d=\"e;\\\"f\"\r\nhello\r\n0;g\r\n\r\n",
      "00000005 ;a=\"\\\"\"\r\nhello\r\n0\t;b\r\n\r\n"},
     {"/x"}},
    {"data ends where its size says, RFC 9112 section 7.1",
     400,
     {"5\r\nhello!\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhell\r\n0\r\n\r\n",
      "0\r\n" + kInner, "0\r\nGET / HTTP/1.1\r\n"}},
    {"and with CR LF, the same section",
     400,
     {"5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n", "5\r\nhello\n\r0\r\n\r\n",
      "5\r\nhello\r\r\n0\r\n\r\n", "5\r\nhello\r\n\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n",
      "5\r\nhello0\r\n\r\n"}},
    {"a last chunk, and an empty line behind it, the same section",
     400,
     {"0\r\n\n", "0\r\n\rGET /", "0\r\nGET /", "5\r\nhello\r\nGET /", "\r\n\r\n", "\r\nabc"}},
    {"trailers are fields, RFC 9112 section 7.1.2",
     400,
     {"0\r\nX : y\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX\r\n\r\n",
      "0\r\n: y\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX: \0\r\n\r\n"s}},
    {"and are dropped, whatever they are called, the same section",
     200,
     {"0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n",
      "5\t ;a\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"},
     {"/x"}},
    {"a chunk may hold what looks like the last one", 200, {"5\r\n0\r\n\r\n\r\n0\r\n\r\n"}, {"/x"}},
    {"zeros before a size, and several of them",
     200,
     {"00000005\r\nhello\r\n0000\r\n\r\n"},
     {"/x"}},
};

const Table kWhole = {
    {"HTTP/1.0 has no transfer codings, RFC 9112 section 6.1",
     400,
     {"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /x HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"}},
    {"but lengths",
     200,
     {"GET /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"},
     {"/x"}},
    {"CL.0: the length counts, whatever the method",
     200,
     {post(length_of(kInner), kInner)},
     {"/x"}},
    {"a GET may have a body, RFC 9110 section 9.3.1; an OPTIONS, too, section 9.3.7",
     200,
     {"GET /x HTTP/1.1\r\nHost: a\r\n" + length_of(kInner) + "\r\n" + kInner,
      "OPTIONS /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n" +
          kInner.substr(0, 31) + "\r\n0\r\n\r\n"},
     {"/x"}},
    {"0.CL: without a length, or with 0, there is no body, RFC 9112 section 6.3",
     200,
     {post("Content-Length: 0\r\n", kInner), post("", kInner)},
     {"/x", "/inner"}},
    {"names have a hyphen, and other names say nothing about a body; TE is about the response",
     200,
     {post("Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 5\r\n", kInner),
      post("TE: chunked, trailers\r\n", kInner)},
     {"/x", "/inner"}},
    {"Connection takes no field of framing away, RFC 9110 section 7.6.1",
     200,
     {post("Connection: Content-Length, Transfer-Encoding, Host\r\n" + length_of(kInner), kInner)},
     {"/x"}},
    {"zeros before a length", 200, {post("Content-Length: 010\r\n", "0123456789")}, {"/x"}},
    {"names have no case, RFC 9110 section 5.1",
     200,
     {post("tRANSFER-eNCODING:\t  ChunKed \t \r\n", kLastChunk)},
     {"/x"}},
};

// A length and a coding, whichever is right.
Table both() {
  Table table = {{"RFC 9112 section 6.1", 400, {}}};
  for (const std::string coding :
       {"Transfer-Encoding: chunked\r\n", "transfer-encoding:CHUNKED\r\n",
        "Transfer-Encoding:\tchunked\t\r\n"}) {
    for (const std::string length :
         {"Content-Length: 0\r\n", "Content-Length: 4\r\n", "content-length:5\r\n",
          "Content-Length: 6\r\n", "Content-Length: 5\r\nX: y\r\n"}) {
      for (const std::string& body : {"0\r\n\r\nG"s, "5c\r\nGPOST"s, kInner}) {
        table[0].inputs.push_back(post(length + coding, body));
        table[0].inputs.push_back(post(coding + length, body));
      }
    }
  }
  return table;
}

}  // namespace

TEST_CASE("request_body: transfer codings, alone and with a length, RFC 9112 section 6.1") {
  const Table codings = with_name("Transfer-Encoding", kCodings);
  check_table(codings, coding_lines);
  for (const Table& table : {all_refused(codings), kCodingLines}) {
    check_table(table, coding_then_length);
    check_table(table, length_then_coding);
  }
  check_table(kCodingLines, coding_lines);
  check_table(both());
}

TEST_CASE("request_body: lengths") {
  check_table(with_name("Content-Length", kLengths), length_lines);
  check_table(kLengthLines, length_lines);
}

TEST_CASE("request_body: chunks") {
  check_table(kSizes, first_size);
  check_table(kSizes, second_size);
  check_table(kSizes, extended_size);
  check_table(kExtensions, first_extension);
  check_table(kExtensions, last_extension);
  check_table(kChunks, chunks);
}

TEST_CASE("request_body: one request that looks like two, and two that look like one") {
  check_table(kWhole);
}

}  // namespace bide
