// What chunks have been made of to end a body in two places, or to hide a request in one.
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
using testing::Harmless;
using testing::Hostile;

std::string chunks(std::string_view body) {
  return "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

// A chunk of five bytes whose size is spelled so.
const std::vector<std::string> kSizes = {
    "",
    "0x5",
    "0X5",
    "5x",
    "x5",
    "+5",
    "-5",
    "-0",
    "_5",
    "5_",
    "1_0",
    " 5",
    "\t5",
    "5 ",
    "5\t",
    "5 5",
    "\x0B"
    "5",
    "5\x0B",
    "\x0C"
    "5",
    "5\x0C",
    "5\0"s,
    "\0"
    "5"s,
    "5,5",
    "5,",
    "5.",
    "5.0",
    "'5'",
    "\"5\"",
    "h5",
    "5h",
    "g",
    "\xEF\xBC\x95",
    "\xA0"
    "5",
    "5\xA0",
    "5=",
    "5&",
    "5:",
    "5#",
    "000000005",          // Nine digits.
    "00000000000000005",  // Seventeen.
    "100000005",          // 2^32 + 5
    "10000000000000005",  // 2^64 + 5
    "FFFFFFFFFFFFFFFFFFFF",
    "5\r",
    "5\n",
    "\r5",
    "\n5",
    "5\r\r",
    "5\n\r",
};

}  // namespace

TEST_CASE("smuggling_chunks: a chunk's size is hex digits, eight at most, and CR LF") {
  std::vector<Hostile> all;
  for (const std::string& size : kSizes) {
    all.push_back({size, chunks(size + "\r\nhello\r\n0\r\n\r\n")});
    all.push_back(
        {size + " at the second", chunks("1\r\nx\r\n" + size + "\r\nhello\r\n0\r\n\r\n")});
    all.push_back({size + " with extension", chunks(size + ";a=b\r\nhello\r\n0\r\n\r\n"),
                   size == "5 " || size == "5\t" ? 0 : 400});
  }
  std::erase_if(all, [](const Hostile& hostile) { return hostile.status == 0; });
  all.push_back({"2^32 - 1", chunks("FFFFFFFF\r\nhello\r\n0\r\n\r\n"), 413});
  check_refused(all);
}

TEST_CASE("smuggling_chunks: an extension ends with CR LF, whatever is in it") {
  check_refused({
      {"LF", chunks("5;a\nhello\r\n0\r\n\r\n")},
      {"CR", chunks("5;a\rhello\r\n0\r\n\r\n")},
      {"CR CR LF", chunks("5;a\r\r\nhello\r\n0\r\n\r\n")},
      {"LF hides a size", chunks("5;\n45\r\nhello\r\n0\r\n\r\n")},
      {"CR hides a size", chunks("5;\r45\r\nhello\r\n0\r\n\r\n")},
      {"NUL", chunks("5;\0\r\nhello\r\n0\r\n\r\n"s)},
      {"vertical tab", chunks("5;\x0B\r\nhello\r\n0\r\n\r\n")},
      {"LF in quotes", chunks("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n")},
      {"CR LF in quotes", chunks("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n")},
      {"a quote that never ends", chunks("5;a=\"b\r\nhello\r\n0\r\n\r\n")},
      {"a quote whose end is escaped", chunks("5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n")},
      {"an escaped CR LF", chunks("5;a=\"b\\\r\n\"\r\nhello\r\n0\r\n\r\n")},
      {"of the last chunk, LF", chunks("0;a\n\r\n")},
      {"of the last chunk, a quote", chunks("0;\"\r\n\r\n")},
      {"huge", chunks("5;" + std::string(5000, 'a') + "\r\nhello\r\n0\r\n\r\n"), 413},
  });
}

TEST_CASE("smuggling_chunks: extensions are those of RFC 9112 section 7.1.1, and no others") {
  const std::vector<std::string> bad = {";",           "; ",           ";;",
                                        ";a;",         ";a;;b",        ";;a",
                                        ";=",          ";=x",          ";a=",
                                        ";a= ",        ";a=;b",        ";a==b",
                                        ";a=b=c",      ";a b",         ";a b=c",
                                        ";a=b c",      ";a=b ",        ";a ",
                                        ";a\t",        ";a=\"b\" ",    ";bad[=x",
                                        ";a[",         ";a=b[",        ";a=[",
                                        ";a,b",        ";a=b,c",       ";\"a\"",
                                        ";a\"b\"",     ";a=\"b\"c",    ";a=\"b\"\"c\"",
                                        ";a=b\"c\"",   ";a='b c'",     ";a=\"b\";",
                                        ";a:b",        ";a/b",         ";\xE4",
                                        ";a=\xE4",     ";a=\"\x01\"",  ";a=\"\\\x01\"",
                                        ";a=\"\x7F\"", " a",           "\ta",
                                        " =a",         "=a",           " ;",
                                        "a=b",         ";a=\\\"b\\\"", ";(a)",
                                        ";a=(b)"};
  std::vector<Hostile> all;
  for (const std::string& extension : bad) {
    // Where it begins with a hex digit it is a longer size: `5a=b`.
    all.push_back({extension, chunks("5" + extension + "\r\nhello\r\n0\r\n\r\n")});
    all.push_back({extension + " of the last", chunks("0" + extension + "\r\n\r\n")});
  }
  check_refused(all);
  std::vector<Harmless> good;
  for (const std::string& extension : std::vector<std::string>{";a",
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
                                                               ";a=\"=\""}) {
    good.push_back(
        {"", chunks("5" + extension + "\r\nhello\r\n0" + extension + "\r\n\r\n"), {"/x"}});
  }
  check_harmless(good);
}

TEST_CASE("smuggling_chunks: data ends where its size says, and with CR LF") {
  check_refused({
      {"longer", chunks("5\r\nhello!\r\n0\r\n\r\n")},
      {"much longer", chunks("0\r\nGET /inner HTTP/1.1\r\nHost: a\r\n\r\n")},
      {"shorter", chunks("5\r\nhell\r\n0\r\n\r\n")},
      {"LF after the size", chunks("5\nhello\r\n0\r\n\r\n")},
      {"LF after the data", chunks("5\r\nhello\n0\r\n\r\n")},
      {"CR after the data", chunks("5\r\nhello\r0\r\n\r\n")},
      {"LF CR after the data", chunks("5\r\nhello\n\r0\r\n\r\n")},
      {"CR CR LF after the data", chunks("5\r\nhello\r\r\n0\r\n\r\n")},
      {"two line ends after the data", chunks("5\r\nhello\r\n\r\n0\r\n\r\n")},
      {"any two bytes after the data", chunks("5\r\nhelloXX0\r\n\r\n")},
      {"nothing after the data", chunks("5\r\nhello0\r\n\r\n")},
      {"LF after the last size", chunks("0\n\r\n")},
      {"CR after the last size", chunks("0\r\r\n\r\n")},
      {"LF at the end", chunks("0\r\n\n")},
      {"CR at the end", chunks("0\r\n\rGET /")},
      {"no end", chunks("0\r\nGET /")},
      {"no last chunk", chunks("5\r\nhello\r\nGET /")},
      {"only line ends", chunks("\r\n\r\n")},
      {"an ill-formed trailer", chunks("0\r\nX : y\r\n\r\n")},
      {"a folded trailer", chunks("0\r\n X: y\r\n\r\n")},
      {"a trailer without colon", chunks("0\r\nX\r\n\r\n")},
      {"a trailer without name", chunks("0\r\n: y\r\n\r\n")},
      {"LF behind a trailer", chunks("0\r\nX: y\n\r\n")},
      {"NUL in a trailer", chunks("0\r\nX: \0\r\n\r\n"s)},
  });
}

}  // namespace bide
