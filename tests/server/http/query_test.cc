#include "server/http/query.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace bide {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs parsed(std::string_view query) {
  http::Params params;
  parse_query(query, params);
  return {params.begin(), params.end()};
}

}  // namespace

TEST_CASE("query: pairs are split at the ampersand and the first equals sign") {
  CHECK(parsed("") == Pairs{});
  CHECK(parsed("a=1&b=2") == Pairs{{"a", "1"}, {"b", "2"}});
  CHECK(parsed("a=b=c") == Pairs{{"a", "b=c"}});
  CHECK(parsed("a") == Pairs{{"a", ""}});
  CHECK(parsed("a=") == Pairs{{"a", ""}});
  CHECK(parsed("=x") == Pairs{{"", "x"}});
  CHECK(parsed("&&a=1&") == Pairs{{"a", "1"}});
  CHECK(parsed("a=1;b=2") == Pairs{{"a", "1;b=2"}});
}

TEST_CASE("query: a name that occurs twice is there twice, in order") {
  CHECK(parsed("id=b&x=1&id=a") == Pairs{{"id", "b"}, {"id", "a"}, {"x", "1"}});
}

TEST_CASE("query: plus is a space, escapes are bytes, and nothing is decoded twice") {
  CHECK(parsed("a+b=c%20d") == Pairs{{"a b", "c d"}});
  CHECK(parsed("a%3Db%26=%2B%252B") == Pairs{{"a=b&", "+%2B"}});
  CHECK(parsed("a=%C3%a4%ff") == Pairs{{"a", "\xC3\xA4\xFF"}});
  CHECK(parsed("a=%00") == Pairs{{"a", std::string(1, '\0')}});
}

TEST_CASE("query: a percent sign that escapes nothing stands for itself") {
  CHECK(decode_form_text("%") == "%");
  CHECK(decode_form_text("%4") == "%4");
  CHECK(decode_form_text("%4g%41") == "%4gA");
  CHECK(decode_form_text("100%") == "100%");
}

}  // namespace bide
