#include "server/nats/place_bytes.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

namespace {

Place some_place() {
  Place place;
  place.bucket.epoch = 42;
  place.bucket.max_age = std::chrono::hours(1);
  place.bucket.has_origins = true;
  place.bucket.has_replicas = true;
  place.bucket.last_seq = 9;
  place.bucket.entries = 7;
  place.revision = 9;
  place.keys = 7;
  for (const Revision revision : {3U, 8U, 9U}) {
    place.anchors.push_back(
        {revision, WallTime(std::chrono::seconds(revision)), revision, ~revision});
  }
  return place;
}

}  // namespace

TEST_CASE("place bytes: what is read is what was written") {
  Place place = some_place();
  auto read = place_of(bytes_of(place));
  REQUIRE(read);
  CHECK(read->bucket.epoch == 42);
  CHECK(read->bucket.keeps_as(place.bucket));
  CHECK(read->bucket.has_replicas);
  CHECK(read->bucket.last_seq == 9);
  CHECK(read->bucket.entries == 7);
  CHECK(read->revision == 9);
  CHECK(read->keys == 7);
  CHECK(read->anchors == place.anchors);
  place.keys.reset();
  read = place_of(bytes_of(place));
  REQUIRE(read);
  CHECK_FALSE(read->keys);
}

TEST_CASE("place bytes: cut off anywhere, they are refused") {
  const std::string bytes = bytes_of(some_place());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(place_of(bytes.substr(0, size)));
  CHECK_FALSE(place_of(bytes + '\0'));
}

TEST_CASE("place bytes: anchors that prove nothing are refused") {
  Place place = some_place();
  SUBCASE("none") { place.anchors.clear(); }
  SUBCASE("out of order") { std::swap(place.anchors[0], place.anchors[1]); }
  SUBCASE("behind the place") { place.revision = 8; }
  SUBCASE("too many") {
    place.anchors.clear();
    for (Revision i = 1; i <= Anchors::kMax + 1; ++i) place.anchors.push_back({i, {}, i, i});
    place.revision = 1000;
  }
  CHECK_FALSE(place_of(bytes_of(place)));
}
