#include "core/table/revision_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace bide {
namespace {

using Place = RevisionIndex::Place;

const std::string kJob = "build-7";
constexpr Revision kBlock = RevisionIndex::kBlockPlacesMax;

std::vector<Place> places(Revision from, Revision to) {
  std::vector<Place> all;
  for (Revision revision = from; revision <= to; ++revision) all.push_back({revision, &kJob});
  return all;
}

std::vector<Revision> revisions(const std::vector<Place>& found) {
  std::vector<Revision> all;
  all.reserve(found.size());
  for (const Place& place : found) all.push_back(place.revision);
  return all;
}

TEST_CASE("revision index: an empty one has no pages") {
  const RevisionIndex index;
  CHECK(index.size() == 0);
  CHECK(index.newest() == 0);
  CHECK(index.newest_first(0, 10).empty());
  CHECK(index.after(0, 10).empty());
}

TEST_CASE("revision index: pages go from the newest to the oldest, and end there") {
  RevisionIndex index;
  for (const Revision revision : {3U, 1U, 5U, 2U, 4U}) index.insert({revision, &kJob});
  CHECK(revisions(index.newest_first(0, 2)) == std::vector<Revision>{5, 4});
  CHECK(revisions(index.newest_first(3, 2)) == std::vector<Revision>{2, 1});
  CHECK(revisions(index.newest_first(4, 2)) == std::vector<Revision>{1});
  CHECK(index.newest_first(5, 2).empty());
  CHECK(index.newest_first(SIZE_MAX, SIZE_MAX).empty());
}

TEST_CASE("revision index: what comes after a revision is told oldest first") {
  RevisionIndex index(places(1, 3 * kBlock));
  CHECK(revisions(index.after(0, 2)) == std::vector<Revision>{1, 2});
  CHECK(revisions(index.after(kBlock - 1, 3)) ==
        std::vector<Revision>{kBlock, kBlock + 1, kBlock + 2});
  CHECK(revisions(index.after(3 * kBlock - 1, 9)) == std::vector<Revision>{3 * kBlock});
  CHECK(index.after(3 * kBlock, 9).empty());
}

TEST_CASE("revision index: a full block in the middle is split, at the end it stays full") {
  RevisionIndex index(places(1, kBlock));
  SUBCASE("in the middle") {
    index.erase({7, &kJob});
    index.insert({kBlock + 1, &kJob});
    index.insert({7, &kJob});
  }
  SUBCASE("at the end") { index.insert({kBlock + 1, &kJob}); }
  CHECK(index.size() == kBlock + 1);
  CHECK(index.after(0, SIZE_MAX) == places(1, kBlock + 1));
}

TEST_CASE("revision index: two jobs that claim one revision keep a place each") {
  const std::string other = "build-8";
  RevisionIndex index;
  index.insert({1, &kJob});
  index.insert({1, &other});
  index.erase({1, &kJob});
  REQUIRE(index.size() == 1);
  CHECK(index.newest_first(0, 1).front().job_id == &other);
}

TEST_CASE("revision index: a walk goes back from a revision, until it is told to stop") {
  const RevisionIndex index(places(1, 3 * kBlock));
  const auto walk = [&](Revision below, std::size_t most) {
    std::vector<Place> seen;
    index.walk_back(below, [&](const Place& place) {
      seen.push_back(place);
      return seen.size() < most;
    });
    return revisions(seen);
  };
  CHECK(walk(RevisionIndex::kEnd, 2) == std::vector<Revision>{3 * kBlock, 3 * kBlock - 1});
  CHECK(walk(kBlock + 2, 3) == std::vector<Revision>{kBlock + 1, kBlock, kBlock - 1});
  CHECK(walk(kBlock + 1, 1) == std::vector<Revision>{kBlock});
  CHECK(walk(3, 9) == std::vector<Revision>{2, 1});
  CHECK(walk(1, 9).empty());
  CHECK(walk(0, 9).empty());
  RevisionIndex().walk_back(9, [](const Place&) { return false; });
}

TEST_CASE("revision index: it contains a place only with the same revision and job") {
  const std::string other = "build-8";
  const RevisionIndex index(places(1, 2 * kBlock));
  CHECK(index.contains({kBlock + 1, &kJob}));
  CHECK(index.contains({1, &kJob}));
  CHECK_FALSE(index.contains({1, &other}));
  CHECK_FALSE(index.contains({2 * kBlock + 1, &kJob}));
  CHECK_FALSE(RevisionIndex().contains({1, &kJob}));
}

TEST_CASE("revision index: a small one does not take the room of a large one") {
  RevisionIndex index;
  for (Revision revision = 1; revision <= kBlock; ++revision) {
    index.insert({revision, &kJob});
    REQUIRE(index.room() <= std::max<std::size_t>(2, 2 * index.size()));
  }
  for (Revision revision = kBlock; revision > 1; --revision) {
    index.erase({revision, &kJob});
    REQUIRE(index.room() <= std::max<std::size_t>(2, 4 * index.size()));
  }
  CHECK(RevisionIndex(places(1, 5)).room() == 5);
}

// Compares the index with a map, at many places.
void compare(const RevisionIndex& index, const std::map<Revision, const std::string*>& model,
             std::mt19937& random) {
  REQUIRE(index.size() == model.size());
  CHECK(index.newest() == (model.empty() ? 0 : model.rbegin()->first));
  const std::size_t offset = random() % (model.size() + 2);
  std::vector<Place> newest;
  for (auto it = model.rbegin(); it != model.rend(); ++it)
    newest.push_back({it->first, it->second});
  newest.erase(newest.begin(), newest.begin() + static_cast<long>(std::min(offset, newest.size())));
  newest.resize(std::min<std::size_t>(newest.size(), 700));
  CHECK(index.newest_first(offset, 700) == newest);
  const Revision from = random() % (model.empty() ? 2 : model.rbegin()->first + 2);
  std::vector<Place> after;
  for (auto it = model.upper_bound(from); it != model.end() && after.size() < 700; ++it) {
    after.push_back({it->first, it->second});
  }
  CHECK(index.after(from, 700) == after);
}

TEST_CASE("revision index: whatever is put in and taken out, it agrees with a map") {
  std::mt19937 random(7);
  std::map<Revision, const std::string*> model;
  RevisionIndex index;
  Revision next = 1;
  // The index grows, its old places move to the end, places are added in the middle, and it shrinks
  // to nothing.
  for (int step = 0; step < 60'000; ++step) {
    const bool shrinks = step >= 40'000;
    const unsigned choice = random() % 8;
    if (!model.empty() && (shrinks ? choice != 0 : choice < 3)) {
      auto it = model.lower_bound(random() % next);
      if (it == model.end()) it = model.begin();
      index.erase({it->first, it->second});
      model.erase(it);
    }
    if (!shrinks || choice == 0) {
      const Revision revision = choice == 7 ? random() % next : next;
      next += 1 + random() % 3;
      if (model.try_emplace(revision, &kJob).second) index.insert({revision, &kJob});
    }
    if (step % 997 == 0) compare(index, model, random);
  }
  while (!model.empty()) {
    index.erase({model.begin()->first, &kJob});
    model.erase(model.begin());
    if (model.size() % 997 == 0) compare(index, model, random);
  }
}

TEST_CASE("revision index: building in bulk is inserting all") {
  std::mt19937 random(7);
  for (const Revision size :
       {Revision{0}, Revision{1}, kBlock - 1, kBlock, kBlock + 1, 5 * kBlock}) {
    std::vector<Place> shuffled = places(1, size);
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    CHECK(RevisionIndex(shuffled).after(0, SIZE_MAX) == places(1, size));
  }
}

}  // namespace
}  // namespace bide
