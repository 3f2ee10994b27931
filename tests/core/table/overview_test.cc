// The contents of the overview. Waiting for it is tested in
// tests/core/table/overview_waiting_test.cc.
#include "core/table/overview.h"

#include <doctest/doctest.h>

#include "tests/core/table/overview_fixture.h"
#include "tests/eventually.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::about;
using testing::counts_json;
using testing::defined;
using testing::deleted;
using testing::eventually;
using testing::happened;
using testing::OverviewFixture;
using testing::statistics_json;
using testing::whole_json;

TEST_CASE("overview: nothing is counted and listed before there are jobs") {
  OverviewFixture f;
  CHECK(f.statistics()->json.bytes ==
        R"({"total_jobs":0,"status_counts":{"submitted":0,"processing":0,"completed":0,)"
        R"("failed":0,"skipped":0,"partial_failure":0}})");
  CHECK(whole_json(f.page(PageQuery())) ==
        "{\"total_items\":0," + counts_json({}) + ",\"items\":[]}");
}

TEST_CASE("overview: a job is counted under its status, through all there are") {
  OverviewFixture f;
  f.apply(happened("j", 1, EventKind::kSubmitted, "_api"));
  CHECK(f.statistics()->json.bytes == statistics_json({}));  // The job is not defined yet.
  f.apply(defined("j", 2, about("jobs.query._all")));
  CHECK(f.statistics()->json.bytes == statistics_json({1, 0, 0, 0, 0, 0}));
  f.apply(happened("j", 3, EventKind::kAcknowledged, "a"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 1, 0, 0, 0, 0}));
  f.apply(happened("j", 4, EventKind::kSkipped, "a"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 0, 0, 0, 1, 0}));
  f.apply(happened("j", 5, EventKind::kStarted, "b"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 1, 0, 0, 0, 0}));
  f.apply(happened("j", 6, EventKind::kFailed, "b"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 0, 0, 1, 0, 0}));
  f.apply(happened("j", 7, EventKind::kCompleted, "c"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 0, 0, 0, 0, 1}));
  f.apply(happened("j", 8, EventKind::kCompleted, "b"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 0, 1, 0, 0, 0}));
}

TEST_CASE("overview: taking an event back moves the job back") {
  OverviewFixture f;
  const Entry started = happened("j", 2, EventKind::kStarted, "a");
  f.apply(defined("j", 1));
  f.apply(started);
  f.apply(deleted(started, 3));
  CHECK(f.statistics()->json.bytes == statistics_json({1, 0, 0, 0, 0, 0}));
}

TEST_CASE("overview: a deleted job is not counted; defined again it is, and is the newest") {
  OverviewFixture f;
  f.apply(defined("old", 1));
  f.apply(happened("old", 2, EventKind::kStarted, "a"));
  f.apply(defined("new", 3));
  f.apply(deleted(defined("old", 1), 4));
  CHECK(f.statistics()->json.bytes == statistics_json({1, 0, 0, 0, 0, 0}));
  f.apply(deleted(defined("old", 1), 5));  // A second deletion changes nothing.
  f.apply(defined("old", 6));
  CHECK(f.statistics()->json.bytes == statistics_json({1, 1, 0, 0, 0, 0}));
  CHECK(whole_json(f.page(PageQuery{{}, 1, 0})).find(f.job_json("old")) != std::string::npos);
}

TEST_CASE("overview: a definition written over the old one moves its job to the front") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  f.apply(defined("b", 2));
  f.apply(defined("a", 3));
  for (const PageQuery& page : {PageQuery{{}, 1, 0}, PageQuery{Status::kSubmitted, 1, 0}}) {
    CHECK(whole_json(f.page(page)).find(f.job_json("a")) != std::string::npos);
  }
  CHECK(f.statistics()->json.bytes == statistics_json({2, 0, 0, 0, 0, 0}));
}

TEST_CASE("overview: jobs that leave by age are not counted") {
  OverviewFixture f({}, 60s);
  for (Revision revision = 1; revision <= 2; ++revision) {
    Entry definition = defined("j" + std::to_string(revision), revision);
    definition.written = f.clock.wall_now();
    f.apply(definition);
    f.clock.advance(30s);
  }
  REQUIRE(eventually([&] { return f.table->jobs() == 1; }));
  CHECK(f.statistics()->json.bytes == statistics_json({1, 0, 0, 0, 0, 0}));
  CHECK(whole_json(f.page(PageQuery{Status::kSubmitted, 1, 0})).find(f.job_json("j2")) !=
        std::string::npos);
}

TEST_CASE("overview: reading the bucket afresh counts and lists what was read") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  f.apply(defined("b", 2));
  f.apply(happened("b", 3, EventKind::kStarted, "x"));
  const auto before = f.statistics();
  const Epoch epoch = OverviewFixture::kEpoch + 1;
  f.install({defined("b", 1), defined("c", 2), happened("c", 3, EventKind::kFailed, "x")}, epoch);
  CHECK(f.statistics()->json.bytes == statistics_json({1, 0, 0, 1, 0, 0}));
  CHECK(f.statistics()->json.tag.epoch == epoch);
  CHECK(whole_json(f.page(PageQuery())) == "{\"total_items\":2," + counts_json({1, 0, 0, 1, 0, 0}) +
                                               ",\"items\":[" + f.job_json("c") + ',' +
                                               f.job_json("b") + "]}");
  f.apply(happened("b", 4, EventKind::kCompleted, "x"));
  CHECK(f.statistics()->json.bytes == statistics_json({0, 0, 1, 1, 0, 0}));
}

TEST_CASE("overview: pages go from the newest job to the oldest, and end there") {
  OverviewFixture f;
  for (Revision i = 1; i <= 5; ++i) f.apply(defined("j" + std::to_string(i), i));
  const std::string counts = "{\"total_items\":5," + counts_json({5, 0, 0, 0, 0, 0});
  const std::string head = counts + ",\"items\":[";
  CHECK(whole_json(f.page(PageQuery{{}, 2, 0})) ==
        counts + ",\"next\":\"4\",\"items\":[" + f.job_json("j5") + ',' + f.job_json("j4") + "]}");
  CHECK(whole_json(f.page(PageQuery{{}, 2, 4})) == head + f.job_json("j1") + "]}");
  CHECK(whole_json(f.page(PageQuery{{}, 2, 5})) == head + "]}");
  CHECK(whole_json(f.page(PageQuery{{}, 100, SIZE_MAX})) == head + "]}");
}

TEST_CASE("overview: a page of one status counts its own items, and all jobs' statuses") {
  OverviewFixture f;
  for (Revision i = 1; i <= 4; ++i) f.apply(defined("j" + std::to_string(i), i));
  f.apply(happened("j3", 5, EventKind::kFailed, "a"));
  f.apply(happened("j1", 6, EventKind::kFailed, "a"));
  CHECK(whole_json(f.page(PageQuery{Status::kFailed, 10, 0})) ==
        "{\"total_items\":2," + counts_json({2, 0, 0, 2, 0, 0}) + ",\"items\":[" +
            f.job_json("j3") + ',' + f.job_json("j1") + "]}");
  CHECK(whole_json(f.page(PageQuery{Status::kSkipped, 10, 0})) ==
        "{\"total_items\":0," + counts_json({2, 0, 0, 2, 0, 0}) + ",\"items\":[]}");
}

TEST_CASE("overview: more items than snapshots are kept come out alike") {
  OverviewFixture f(JobTable::Options{.shards = 1, .snapshots_max = 2});
  for (Revision i = 1; i <= 50; ++i) f.apply(defined("j" + std::to_string(i), i));
  CHECK(whole_json(f.page(PageQuery{{}, 50, 0})) == whole_json(f.page(PageQuery{{}, 50, 0})));
}

TEST_CASE("overview: the statistics' tag tells the revision that last moved a count") {
  OverviewFixture f;
  f.apply(defined("a", 1));
  f.apply(happened("a", 2, EventKind::kAcknowledged, "x"));
  f.apply(happened("a", 3, EventKind::kStarted, "x"));  // It was processing already.
  const auto statistics = f.statistics();
  CHECK(statistics->collection);
  CHECK_FALSE(statistics->final);
  CHECK(statistics->json.tag ==
        EntityTag{OverviewFixture::kEpoch, 2, hash_of(statistics->json.bytes)});
  CHECK(f.page(PageQuery())->json.tag.revision == 3);
  f.apply(deleted(defined("a", 1), 4));
  CHECK(f.statistics()->json.tag.revision == 4);
}

TEST_CASE("overview: a page's revision does not fall when its latest item moves to another page") {
  OverviewFixture f;
  for (Revision i = 1; i <= 4; ++i) f.apply(defined("j" + std::to_string(i), i));
  f.apply(happened("j2", 5, EventKind::kStarted, "a"));
  const Revision before = f.page(PageQuery{{}, 2, 2})->json.tag.revision;
  f.apply(defined("j2", 6));
  CHECK(f.page(PageQuery{{}, 2, 2})->json.tag.revision > before);
}

TEST_CASE("overview: equal content of two replicas matches, whatever their revisions") {
  OverviewFixture live, fresh;
  live.apply(defined("a", 1));
  live.apply(happened("gone", 2, EventKind::kStarted, "x"));
  fresh.install({defined("a", 1), happened("gone", 2, EventKind::kStarted, "x")},
                OverviewFixture::kEpoch);
  const EntityTag mine = live.statistics()->json.tag;
  const auto seen = *ValidatorList::parse(fresh.statistics()->json.etag());
  CHECK_FALSE(seen.matches(mine));
  CHECK(seen.matches_content(mine));
  CHECK_FALSE(seen.matches_content({mine.epoch + 1, mine.revision, mine.hash}));
  CHECK_FALSE(seen.matches_content({mine.epoch, mine.revision, mine.hash + 1}));
}

}  // namespace
}  // namespace bide
