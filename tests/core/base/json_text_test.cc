#include "core/base/json_text.h"

#include <doctest/doctest.h>

#include <limits>

namespace bide {

TEST_CASE("json_text: commas separate the values of one level") {
  JsonText json;
  json.begin_object();
  json.member("a", "");
  json.string_if("left_out", "");
  json.key("b");
  json.begin_array();
  json.begin_array();
  json.end_array();
  json.number(1);
  json.boolean(true);
  json.begin_object();
  json.end_object();
  json.end_array();
  json.raw_if("c", "[2,3]");
  json.end_object();
  CHECK(json.take() == R"({"a":"","b":[[],1,true,{}],"c":[2,3]})");
}

TEST_CASE("json_text: numbers with a fraction") {
  JsonText json;
  json.begin_array();
  json.real(0.1);
  json.real(1e300);
  json.real(-2);
  json.real(std::numeric_limits<double>::infinity());
  json.real(std::numeric_limits<double>::quiet_NaN());
  json.end_array();
  CHECK(json.take() == "[0.1,1e+300,-2,null,null]");
}

TEST_CASE(
    "json_text: quotes, control bytes and invalid UTF-8 cannot break out of a printable string") {
  const auto quoted = [](std::string_view text) {
    JsonText json;
    json.printable_string(text);
    return json.take();
  };
  CHECK(quoted("a\"b\\c\nd\r\x01\x7f") == R"("a\"b\\c\nd\r\u0001\u007f")");
  CHECK(quoted(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(quoted("\u0080\u009b31m") == R"("\u0080\u009b31m")");
  CHECK(quoted("\u202e\u2066\u200f\u061c") == R"("\u202e\u2066\u200f\u061c")");
  CHECK(quoted("\u2028\u2029") == R"("\u2028\u2029")");
  CHECK(quoted("gr\u00fc\u00df \u20ac \U0001F600") == "\"gr\u00fc\u00df \u20ac \U0001F600\"");
  for (const char* bad : {"\xff", "\x80", "\xc0\xaf", "\xc3", "\xe2\x82", "\xe0\x80\x80",
                          "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80"}) {
    const std::string out = quoted(bad);
    INFO(out);
    CHECK(out.find("\xEF\xBF\xBD") == 1);
    CHECK(quoted(out.substr(1, out.size() - 2)) == out);
  }
}

}  // namespace bide
