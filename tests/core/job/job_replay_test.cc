#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <random>

#include "core/job/job.h"
#include "tests/core/job/entries.h"
#include "tests/core/job/random_history.h"

using namespace bide;
using namespace bide::testing;

namespace {

using Absorbed = Job::Absorbed;

// The rest of a history in a bucket that keeps the newest entry of each key.
std::vector<Entry> survivors_of(const std::vector<Entry>& history) {
  std::map<std::pair<Entry::Family, std::string>, Entry> newest;
  for (const Entry& entry : history) {
    newest.insert_or_assign({entry.family, entry.key_rest}, entry);
  }
  std::vector<Entry> survivors;
  survivors.reserve(newest.size());
  for (const auto& [key, entry] : newest) survivors.push_back(entry);
  std::sort(survivors.begin(), survivors.end(),
            [](const Entry& a, const Entry& b) { return a.revision < b.revision; });
  return survivors;
}

}  // namespace

TEST_CASE("replay: following a history and reading its rest give the same bytes") {
  std::mt19937 random(20260131);
  for (int round = 0; round < 2000; ++round) {
    CAPTURE(round);
    // Some jobs have so many entries that they have an index.
    const std::vector<Entry> history =
        random_history(random, 1 + random() % (round % 10 == 0 ? 1500 : 40));
    Job lived("j"), read("j");
    absorb_all(lived, history);
    absorb_all(read, survivors_of(history));
    REQUIRE(lived.defined() == read.defined());
    if (!lived.defined()) continue;
    CHECK(view_of(lived) == view_of(read));
    CHECK(view_of(lived) == view_of(*lived.frozen()));
    CHECK(lived.bytes() == read.bytes());
    CHECK(lived.last_event() == read.last_event());
    CHECK(lived.final() == read.final());
    CHECK(lived.agents_terminal() == read.agents_terminal());
    CHECK(lived.written() == read.written());
  }
}

TEST_CASE("replay: the order of arrival does not matter, the revisions do") {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    CAPTURE(round);
    std::vector<Entry> entries = survivors_of(random_history(random, 30));
    Job in_order("j"), shuffled("j");
    absorb_all(in_order, entries);
    std::shuffle(entries.begin(), entries.end(), random);
    absorb_all(shuffled, entries);
    REQUIRE(in_order.defined() == shuffled.defined());
    if (in_order.defined()) CHECK(view_of(in_order) == view_of(shuffled));
  }
}

TEST_CASE("replay: a revision never falls back while it lives") {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    Job job("j");
    Revision before = 0;
    for (const Entry& entry : random_history(random, 30)) {
      const bool changed = job.absorb(entry) == Absorbed::kChanged;
      CHECK(job.revision() >= before);
      if (changed && job.defined()) CHECK(job.revision() == entry.revision);
      before = job.revision();
    }
  }
}
