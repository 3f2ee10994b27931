#include "server/nats/bucket_advisories.h"

#include <doctest/doctest.h>

#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using Heard = BucketAdvisories::Heard;
using testing::eventually;
using testing::TestBucket;
using testing::TestNats;

// Waits for an advisory, for a moment at most, and returns the gravest.
Heard wait_for(BucketAdvisories& advisories) {
  Heard heard = Heard::kNothing;
  (void)eventually([&] { return (heard = advisories.take()) != Heard::kNothing; });
  return heard;
}

TEST_CASE("bucket advisories: a purge, whole or of a key, and changes of the stream") {
  const TestNats nats;
  TestBucket bucket(nats);
  bucket.define("build-7");
  const auto connection = nats.connect();
  BucketAdvisories advisories(*connection, TestBucket::kName);
  REQUIRE(natsConnection_Flush(connection->handle()) == NATS_OK);
  SUBCASE("whole") {
    bucket.purge();
    CHECK(wait_for(advisories) == Heard::kPurged);
  }
  SUBCASE("a key's") {
    bucket.purge("jobs.build-7");
    CHECK(wait_for(advisories) == Heard::kPurged);
  }
  SUBCASE("an update") {
    bucket.bind("jobs.*");
    CHECK(wait_for(advisories) == Heard::kTouched);
  }
  SUBCASE("deleted") {
    bucket.remove();
    CHECK(wait_for(advisories) == Heard::kTouched);
  }
}

// Advisories come in the order of the requests, so the last one proves that the others were
// ignored.
TEST_CASE("bucket advisories: entries, looks and other buckets are nothing to hear of") {
  const TestNats nats;
  TestBucket bucket(nats);
  const auto connection = nats.connect();
  BucketAdvisories advisories(*connection, TestBucket::kName);
  BucketAdvisories of_other(*connection, "other-job-queue");
  REQUIRE_FALSE(create_bucket(*connection, "other-job-queue"));
  REQUIRE(eventually([&] { return of_other.take() == Heard::kTouched; }));
  (void)advisories.take();  // That of the bucket's own creation may come late.
  bucket.define("build-7");
  bucket.erase("jobs.build-7");
  (void)bucket.state();
  REQUIRE(js_PurgeStream(connection->jetstream(), "KV_other-job-queue", nullptr, nullptr) ==
          NATS_OK);
  REQUIRE(eventually([&] { return of_other.take() == Heard::kPurged; }));
  CHECK(advisories.take() == Heard::kNothing);
}

TEST_CASE("bucket advisories: dropped ones count as a purge") {
  const TestNats nats;
  TestBucket bucket(nats);
  const auto connection = nats.connect();
  BucketAdvisories advisories(*connection, TestBucket::kName);
  const std::string of_others = R"({"subject":"$JS.API.STREAM.INFO.KV_other"})";
  for (int i = 0; i < 6000; ++i) {
    REQUIRE(natsConnection_PublishString(connection->handle(),
                                         std::string(BucketAdvisories::kSubject).c_str(),
                                         of_others.c_str()) == NATS_OK);
  }
  REQUIRE(natsConnection_Flush(connection->handle()) == NATS_OK);
  CHECK(advisories.take() == Heard::kPurged);
  while (advisories.take() != Heard::kNothing) continue;
  bucket.purge();
  CHECK(wait_for(advisories) == Heard::kPurged);
}

}  // namespace
}  // namespace bide
