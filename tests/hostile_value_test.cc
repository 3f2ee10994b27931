#include "core/json_object.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/decoding.h"

using namespace bide;
using namespace bide::testing;

TEST_CASE("codec: only one whole JSON object in UTF-8 is a value") {
  const std::string rows[] = {
      "",
      " ",
      "{",
      "}",
      "[]",
      "[{}]",
      "5",
      "null",
      "true",
      "\"{}\"",
      "{} {}",
      "{}x",
      "{},",
      "{}]",
      "{}\x01",
      std::string("{}\0", 3),
      std::string("{}\0x", 4),
      std::string("\0{}", 3),
      std::string("{\0}", 3),
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{,}",
      "{a:1}",
      "{'a':1}",
      "{\"a\":01}",
      "{\"a\":+1}",
      "{\"a\":.5}",
      "{\"a\":1.}",
      "{\"a\":1e}",
      "{\"a\":--1}",
      "{\"a\":NaN}",
      "{\"a\":Infinity}",
      "{\"a\":tru}",
      "{\"a\":\"\\x\"}",
      "{\"a\":\"\\u12\"}",
      "{\"a\":\"\n\"}",
      "{\"a\":1 \"b\":2}",
      "{/**/}",
      "\xEF\xBB\xBF{}",
      // Not UTF-8: stray, cut, overlong, surrogates (raw and escaped), beyond U+10FFFF.
      "{\"a\":\"\x80\"}",
      "{\"a\":\"\xC3\"}",
      "{\"a\":\"\xC0\xAF\"}",
      "{\"a\":\"\xE0\x80\xAF\"}",
      "{\"a\":\"\xED\xA0\x80\"}",
      "{\"a\":\"\xF4\x90\x80\x80\"}",
      "{\"\xFF\":1}",
      "{\"a\":[\"\xFE\"]}",
      "{\"a\":\"\\ud800\"}",
      "{\"a\":\"\\ud800x\"}",
      "{\"a\":\"\\udc00\"}",
      "{\"a\":[\"\\udfff\"]}",
      "{\"\\udc00\":1}",
      "{\"a\":\"\\ud800\\ud800\"}",
  };
  for (const std::string& value : rows) {
    CAPTURE(value);
    CHECK(verdict("jobs.j", value) == "json");
  }
  for (const std::string_view value :
       {" \t\r\n{} \n", "{\"a\":\"\xED\x9F\xBF\xEE\x80\x80\"}", "{\"a\":\"\\ud83d\\ude00\"}",
        "{\"\":\"\"}", "{\"a\":\"\xF0\x9F\x98\x80\"}"}) {
    CAPTURE(value);
    CHECK(verdict("jobs.j", value) == "accepted");
  }
}

TEST_CASE("codec: of duplicate members the first wins, be it null") {
  const Definition definition = definition_of(
      R"({"subject":"first","subject":"second","created":null,"created":"x","operation":{"a":1,"a":2},"operation":{}})");
  CHECK(definition.subject == "first");
  CHECK(definition.created.empty());
  CHECK(definition.operation == R"({"a":1,"a":2})");
  CHECK(definition_of(R"({"a":{"subject":"inner"},"b":["subject"],"s\u0075bject":"escaped"})")
            .subject == "escaped");
}

TEST_CASE("codec: depth is capped, and deep values neither crash nor stall") {
  const auto nested = [](std::string_view open, std::string_view close, std::size_t depth) {
    return object_with("x", repeated(open, depth) + "1" + repeated(close, depth));
  };
  // The value itself is depth 1.
  CHECK(verdict("jobs.j", nested("[", "]", kJsonDepthMax - 1)) == "accepted");
  CHECK(verdict("jobs.j", nested("[", "]", kJsonDepthMax)) == "depth");
  CHECK(verdict("jobs.j", nested("{\"a\":", "}", kJsonDepthMax - 1)) == "accepted");
  CHECK(verdict("jobs.j", nested("{\"a\":", "}", kJsonDepthMax)) == "depth");
  CHECK(verdict("jobs.j", nested("[", "]", 100'000)) == "depth");
  CHECK(verdict("jobs.j", repeated("{\"a\":", 100'000)) == "depth");
  CHECK(verdict("jobs.j", repeated("[", 100'000)) == "depth");
  CHECK(verdict("jobs.j", repeated("]", 100'000)) == "json");
  CHECK(verdict("jobs.j", object_with("x", "[" + repeated("[],", 100'000) + "[]]")) == "accepted");
}

TEST_CASE("codec: numbers of any length end sanely") {
  const auto number = [](std::string_view digits) {
    return verdict("jobs.j", object_with("x", digits));
  };
  CHECK(number("1e308") == "accepted");
  CHECK(number("1e-2147483648") == "accepted");
  CHECK(number("0." + std::string(1'000'000, '0') + "1e-2147483639") == "accepted");
  CHECK(number("0." + std::string(1'000, '0') + "1e+1000") == "accepted");
  CHECK(number("0." + std::string(1'000'000, '9')) == "accepted");
  // Beyond a double: clients could not read it either.
  CHECK(number("1e309") == "json");
  CHECK(number("1e99999999999") == "json");
  CHECK(number(std::string(1'000'000, '9')) == "json");
}

TEST_CASE("codec: a value may have a mebibyte and not a byte more") {
  const std::string frame = R"({"x":""})";
  const std::string filler(kValueBytesMax - frame.size(), 'x');
  const std::string largest = replaced(frame, "\"\"", '"' + filler + '"');
  REQUIRE(largest.size() == kValueBytesMax);
  CHECK(verdict("jobs.j", largest) == "accepted");
  CHECK(verdict("jobs.j", largest + " ") == "size");
  CHECK(verdict("jobs.j", std::string(2 * kValueBytesMax, '\0')) == "size");
}

TEST_CASE("codec: no truncation of a value is a value") {
  for (const std::string& value : {kEventValue, sealed(kEventValue)}) {
    for (std::size_t size = 0; size < value.size(); ++size) {
      // A copy of its own size, so that a sanitizer sees one byte read too many.
      const std::vector<char> cut(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(verdict(kEventKey, {cut.data(), cut.size()}) == "json");
    }
  }
}

TEST_CASE("codec: every mutated byte is refused for a reason or changes what is free to change") {
  for (const std::string& value : {kEventValue, sealed(kEventValue)}) {
    for (std::size_t at = 0; at < value.size(); ++at) {
      for (const char byte :
           {'\0', '"', '{', '}', '\\', ',', 'x', '0', '-', '\x7F', '\x80', '\xED'}) {
        std::string mutated = value;
        mutated[at] = byte;
        const auto result = decode_value(kEventKey, mutated);
        if (const auto* rejection = std::get_if<Rejection>(&result)) {
          CHECK_FALSE(rejection->detail.empty());
        } else {
          CHECK(std::get<Entry>(result).job_id == "build-7");
        }
      }
    }
  }
}
