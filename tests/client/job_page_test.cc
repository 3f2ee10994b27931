#include "client/job_page.h"

#include <doctest/doctest.h>

#include "tests/client/scripted_server.h"

using namespace bide;

namespace {

constexpr std::string_view kBody =
    R"({"total_items":3,"status_counts":{},"next":"c","items":[{"id":"b"}, {"id":"a"}]})";

DocumentReply fetch_from(const std::string& answer) {
  ScriptedServer server([&](const std::string&) { return answer; });
  HttpConnection connection(std::get<ServerUrl>(parse_server_url(server.url())), "", "");
  return fetch(connection, "/job?limit=2");
}

}  // namespace

TEST_CASE("job_page: a page has items and the cursor of the next") {
  const auto page = page_of(std::string(kBody));
  REQUIRE(page);
  REQUIRE(page->items.size() == 2);
  CHECK(page->items[0] == "{\"id\":\"b\"}");
  CHECK(page->items[1] == "{\"id\":\"a\"}");
  CHECK(page->total == "3");
  CHECK(page->total_exact);
  CHECK(page->next == "c");
}

TEST_CASE("job_page: a page cut at any byte is no page") {
  for (std::size_t bytes = 0; bytes < kBody.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(!page_of(std::string(kBody.substr(0, bytes))));
  }
  CHECK(!page_of("{\"items\":{}}"));
  CHECK(!page_of("[]"));
}

TEST_CASE("job_page: only a 200 with a JSON object is an answer") {
  const auto good = fetch_from(response(200, "ETag: \"t\"\r\n", kBody));
  REQUIRE(std::holds_alternative<Document>(good));
  CHECK(std::get<Document>(good).etag == "\"t\"");
  CHECK(std::holds_alternative<Trouble>(fetch_from(response(200, "", "<html>"))));
  CHECK(std::holds_alternative<Trouble>(fetch_from(response(404, "", "not found"))));
  const auto denied = fetch_from(
      response(403, "", R"({"type":"urn:bide:problem:forbidden","detail":"no job:read"})"));
  REQUIRE(std::holds_alternative<ServerRefusal>(denied));
  CHECK(std::get<ServerRefusal>(denied).http_status == 403);
}

TEST_CASE("job_page: what means something in a query is encoded") {
  CHECK(percent_encoded("a-Z_0.9~") == "a-Z_0.9~");
  CHECK(percent_encoded("team=c i&\xC3\xA9%") == "team%3Dc%20i%26%C3%A9%25");
}
