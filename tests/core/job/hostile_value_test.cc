#include "core/base/json_object.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/core/job/decoding.h"

using namespace bide;
using namespace bide::testing;

namespace {

std::string verdict_text(std::string_view member) {
  return std::string(verdict("jobs.j", object_with("x", member)));
}

std::vector<std::string> numbers_beyond_a_double() {
  return {"1e308",
          "1e309",
          "1E+309",
          "0e400",
          "0.0e999999999",
          "0e-999999999",
          "1e99999999999",
          "1e-99999999999999999999",
          "1.5e+2147483648",
          "0.0000000000000e-2147483639",
          "9" + std::string(309, '0'),
          "1" + std::string(308, '0') + ".5e5",
          std::string(500'000, '9'),
          "0." + std::string(400'000, '0') + "1e-2147483639",
          "0." + std::string(400'000, '9'),
          "1e" + std::string(400'000, '9')};
}

}  // namespace

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
      // Not UTF-8: stray, cut, overlong, raw surrogates, beyond U+10FFFF.
      "{\"a\":\"\x80\"}",
      "{\"a\":\"\xC3\"}",
      "{\"a\":\"\xC0\xAF\"}",
      "{\"a\":\"\xE0\x80\xAF\"}",
      "{\"a\":\"\xED\xA0\x80\"}",
      "{\"a\":\"\xF4\x90\x80\x80\"}",
      "{\"\xFF\":1}",
      "{\"a\":[\"\xFE\"]}",
  };
  for (const std::string& value : rows) {
    CAPTURE(value);
    CHECK(verdict("jobs.j", value) == "json");
    // The same behind text that RapidJSON cannot read without help.
    for (const std::string_view helped : {R"({"n":1e309,"s":)", R"({"s":"\ud800","s":)"}) {
      if (value.find('\0') != std::string::npos ||
          value.find_first_of("{[\"") == std::string::npos) {
        continue;
      }
      if (value == "[]" || value == "[{}]" || value == "\"{}\"") continue;  // Values, no objects.
      CHECK(verdict("jobs.j", std::string(helped) + value + "}") == "json");
    }
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

TEST_CASE("codec: every number of RFC 8259 is taken, and nothing else") {
  const auto number = [](std::string_view digits) {
    const std::string in_array = verdict_text("[1,{\"a\":" + std::string(digits) + "},2]");
    const std::string alone = verdict_text(digits);
    return alone == in_array ? alone : alone + " alone, " + in_array + " in an array";
  };
  for (const std::string& digits : numbers_beyond_a_double()) {
    CAPTURE(digits.substr(0, 40));
    CHECK(number(digits) == "accepted");
    CHECK(number("-" + digits) == "accepted");
  }
  for (const std::string_view bad :
       {"1e309e",    "1e309.",  "1e309.5",        "01e309",    "00e999",    "-",
        "--1e309",   "+1e309",  ".1e309",         "1.e309",    "1e",        "1e+",
        "1e309e309", "1e309-1", "1e309 1e309",    "1e309true", "true1e309", "1e309\"\"",
        "1e309[]",   "1E309x",  "1e99999999999,", "0x1e309"}) {
    CAPTURE(bad);
    CHECK(number(bad) == "json");
  }
}

TEST_CASE("codec: a number beyond a double keeps its bytes, in every family") {
  for (const std::string& digits : numbers_beyond_a_double()) {
    CAPTURE(digits.substr(0, 40));
    const std::string data = "{\"n\" : [ " + digits + " ,\"\\ud800 1e309\"]\n}";
    CHECK(definition_of(object_with("operation", data)).operation == data);
    for (const std::string& any : {data, digits, "-" + digits, "[" + digits + "]"}) {
      CHECK(response_of(object_with("data", any)).data == any);
      CHECK(response_of(sealed(object_with("data", " " + any + "\n"))).data == any);
    }
    const std::string event = replaced(kEventValue, "\"boom\"", "\"boom\",\"n\":" + digits);
    CHECK(event_of(event).error == "boom");
    CHECK(event_of(event).new_job_id == "build-8");
    CHECK(event_of(sealed(event)).error == "boom");
  }
}

TEST_CASE("codec: a lone surrogate is taken, and read as U+FFFD") {
  const auto error_of = [](std::string_view text) {
    return event_of(replaced(kEventValue, "boom", text)).error;
  };
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(error_of(R"(\ud800)") == mark);
  CHECK(error_of(R"(\uD800x)") == mark + "x");
  CHECK(error_of(R"(x\udfff)") == "x" + mark);
  CHECK(error_of(R"(\udc00\ud800)") == mark + mark);
  CHECK(error_of(R"(\ud800\ud800)") == mark + mark);
  CHECK(error_of(R"(\ud800\ud83d\ude00)") == mark + "\xF0\x9F\x98\x80");
  CHECK(error_of(R"(\ud83d\ude00\ude00)") == "\xF0\x9F\x98\x80" + mark);
  CHECK(error_of(R"(\ud800\n\\ud800\\\ud800)") == mark + "\n\\ud800\\" + mark);
  CHECK(error_of(R"(\ud800\u0041)") == mark + "A");
  CHECK(response_of(object_with("status", R"("\udbff")")).status == mark);
  CHECK(definition_of(object_with("created", R"("\udc00")")).created == mark);
  for (const std::string_view raw : {R"({"\udc00":"\ud800"})", R"({ "a":"\ud800\\" })"}) {
    CHECK(definition_of(object_with("operation", raw)).operation == raw);
    CHECK(response_of(object_with("data", raw)).data == raw);
  }
  const auto agents = definition_of(R"({"expected_agents":["\ud800","a"]})").expected_agents;
  CHECK(std::get<std::vector<std::string>>(agents) == std::vector<std::string>{"a", mark});
  for (const std::string_view bad : {R"(\ud80)", R"(\ud8zz)", R"(\ud800\u)", R"(\ud800\udc)",
                                     R"(\ud800\x)", "\\ud800\n", "\\ud800\xED\xA0\x80"}) {
    CAPTURE(bad);
    CHECK(verdict("jobs.j", object_with("a", "\"" + std::string(bad) + "\"")) == "json");
  }
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
      // A copy of exactly its size, so that a sanitizer notices a read behind its end.
      const std::vector<char> cut(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(verdict(kEventKey, {cut.data(), cut.size()}) == "json");
    }
  }
}

TEST_CASE("codec: every mutated byte is refused with a reason, or changes a free value") {
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
