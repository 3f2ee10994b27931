#include "server/http/media_type.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace bide {
namespace {

std::string chosen(const std::vector<std::string>& lines) {
  http::Headers headers;
  for (const std::string& line : lines) headers.emplace("accept", line);
  const auto type = negotiate(headers);
  if (!type) return "406";
  return *type == MediaType::kJson ? "json" : "text";
}

struct Row {
  const char* accept;
  const char* chosen;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.accept);
    CHECK(chosen({row.accept}) == row.chosen);
  }
}

}  // namespace

TEST_CASE("media_type: JSON where the client does not care") {
  CHECK(chosen({}) == "json");
  check({{"", "json"},
         {" , ,", "json"},
         {"*/*", "json"},
         {"application/json", "json"},
         {"application/*", "json"},
         {"application/json, text/plain", "json"},
         {"text/plain;q=0.5, application/json;q=0.5", "json"},
         {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"}});
}

TEST_CASE("media_type: text where the client prefers it") {
  check({{"text/plain", "text"},
         {"TEXT/Plain", "text"},
         {"text/*", "text"},
         {"text/plain; charset=utf-8", "text"},
         {"text/plain;charset=\"UTF-8\";q=0.1", "text"},
         {"text/plain, */*;q=0.1", "text"},
         {"application/json;q=0.999, text/plain", "text"},
         {"application/json;q=0, */*", "text"},
         {"text/plain;q=0.001, application/json;q=0.000", "text"}});
}

TEST_CASE("media_type: the most specific range decides, not the first or the best") {
  check({{"*/*;q=1, application/json;q=0.1, text/plain;q=0.2", "text"},
         {"text/*;q=0.9, text/plain;q=0.1, application/json;q=0.5", "json"},
         {"application/*;q=0, application/json;q=0.2", "json"},
         {"text/plain;q=0, text/plain;charset=utf-8;q=0.5", "text"},
         {"text/plain;q=0.1, text/plain;q=0.9, application/json;q=0.5", "text"}});
}

TEST_CASE("media_type: 406 where neither will do") {
  check({{"text/html", "406"},
         {"application/json;q=0", "406"},
         {"*/*;q=0", "406"},
         {"*/*;q=0.0, image/png", "406"},
         {"application/json;version=2", "406"},
         {"text/plain;charset=utf-16", "406"},
         {"application/jsonx, xtext/plain", "406"}});
}

TEST_CASE("media_type: a field that is malformed anywhere is as good as absent") {
  check({{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "json"},
         {"text/plain;q=2", "json"},
         {"text/plain;q=1.001", "json"},
         {"text/plain;q=0.0001", "json"},
         {"text/plain;q=", "json"},
         {"text/plain;q", "json"},
         {"text/plain;q=x", "json"},
         {"text/plain;q=-0", "json"},
         {"text/plain;q=0,5", "json"},
         {"text/plain;q=\"0.5\"", "json"},
         {"text", "json"},
         {"text/", "json"},
         {"/plain", "json"},
         {"*/plain", "json"},
         {"text/plain/x", "json"},
         {"text /plain", "json"},
         {"text/plain;charset=\"utf-8", "json"}});
}

TEST_CASE("media_type: what follows q is ignored, separators in quotes do not separate") {
  check(
      {{"text/plain;q=0.9;level=1;x", "text"}, {"text/html;x=\"a,b;\\\"c\", text/plain", "text"}});
}

TEST_CASE("media_type: several lines are one list") {
  CHECK(chosen({"text/html", "text/plain"}) == "text");
  CHECK(chosen({"text/plain;q=0.5", "application/json"}) == "json");
}

TEST_CASE("media_type: where there is JSON alone, text may be preferred but JSON must be allowed") {
  const auto accepted = [](const char* line) {
    http::Headers headers;
    headers.emplace("accept", line);
    return accepts_json(headers);
  };
  CHECK(accepts_json({}));
  CHECK(accepted("text/plain, */*;q=0.1"));
  CHECK(accepted("application/*"));
  CHECK(accepted("malformed"));
  CHECK_FALSE(accepted("text/plain"));
  CHECK_FALSE(accepted("application/json;q=0, */*"));
}

TEST_CASE("media_type: where plain text is usual, JSON must be asked for by name") {
  const auto asked = [](const char* line) {
    http::Headers headers;
    headers.emplace("Accept", line);
    return asks_for_json(headers);
  };
  CHECK_FALSE(asks_for_json({}));
  for (const char* line :
       {"application/json", "Application/JSON;charset=utf-8", "application/json, text/plain, */*",
        "application/json;q=0.5, */*;q=0.1"}) {
    CAPTURE(line);
    CHECK(asked(line));
  }
  for (const char* line :
       {"*/*", "application/*", "text/plain", "text/html, */*;q=0.8", "malformed", "",
        "application/json;q=0, */*", "text/plain, application/json;q=0.9"}) {
    CAPTURE(line);
    CHECK_FALSE(asked(line));
  }
}

TEST_CASE("media_type: every truncation of a long field is judged without a crash") {
  const std::string whole = "text/plain;charset=\"utf\\-8\";q=0.125;x=y, application/*;q=0, */*";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    CHECK_FALSE(chosen({whole.substr(0, length)}).empty());
  }
}

}  // namespace bide
