#include "core/table/page_query.h"

#include <doctest/doctest.h>

#include "core/job/entry.h"

namespace bide {
namespace {

TEST_CASE("page query: its key is read back as it was") {
  for (const PageQuery& query :
       {PageQuery{}, PageQuery{Status::kPartialFailure, 100, 7}, PageQuery{{}, 1, SIZE_MAX}}) {
    CHECK(PageQuery::parse(query.key()) == query);
    CHECK_FALSE(is_job_id(query.key()));
  }
  CHECK(PageQuery{Status::kFailed, 10, 0}.key() == "?limit=10&offset=0&status=failed");
}

TEST_CASE("page query: nothing else is read, so that a page has one key") {
  for (const char* key :
       {"", "status", "?", "?limit=10", "?limit=10&offset=", "?limit=10&offset=0&",
        "?limit=10&offset=0&status=", "?limit=10&offset=0&status=done", "?offset=0&limit=10",
        "?limit=010&offset=0", "?limit=10&offset=00", "?limit=+1&offset=0", "?limit=-1&offset=0",
        "?limit=0&offset=0", "?limit=101&offset=0", "?limit=10&offset=18446744073709551616",
        "?limit=10&offset=0&status=failed ", " ?limit=10&offset=0"}) {
    CAPTURE(key);
    CHECK_FALSE(PageQuery::parse(key));
  }
}

}  // namespace
}  // namespace bide
