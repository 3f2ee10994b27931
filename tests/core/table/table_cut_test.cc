#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/job/job_bytes.h"
#include "core/table/job_table.h"
#include "core/table/overview.h"
#include "core/table/table_loader.h"
#include "tests/core/job/entries.h"
#include "tests/core/job/random_history.h"
#include "tests/fake_clock.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::defined;
using testing::deleted;
using testing::happened;

constexpr Epoch kEpoch = 42;

struct Table {
  FakeClock clock;
  JobTable jobs;
  Revision revision = 0;

  explicit Table(JobTable::Options options = {}) : jobs(clock, options, nullptr) {
    jobs.install(BucketRead(options.jobs_max), kEpoch, 0s);
  }
  void apply(Entry entry) {
    entry.revision = ++revision;
    REQUIRE(jobs.apply(entry));
  }
  void define(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) apply(defined("j" + std::to_string(i), 1));
  }
  // Empty: there is no such job.
  std::string tag(const std::string& id) {
    const auto snapshot = jobs.look(id, {}, clock.now()).snapshot;
    return snapshot == nullptr ? "" : snapshot->json.etag();
  }
};

// The rest of the cut, by id.
struct Cut {
  CutStep step = CutStep::kMore;
  std::map<std::string, std::string> jobs;
  bool twice = false;

  void take(JobTable& table) {
    JobCopies copies;
    step = table.take_of_cut(copies);
    for (const auto& copy : copies) {
      std::string bytes;
      append_job(bytes, *copy);
      twice = !jobs.emplace(copy->id(), std::move(bytes)).second || twice;
    }
  }
  void take_all(JobTable& table) {
    while (step == CutStep::kMore) take(table);
  }
};

std::map<std::string, std::string> cut_of(JobTable& table) {
  Cut cut;
  table.begin_cut();
  cut.take_all(table);
  table.end_cut();
  CHECK(cut.step == CutStep::kDone);
  CHECK_FALSE(cut.twice);
  return cut.jobs;
}

// As a bide that starts does, on two threads.
BucketRead loaded(const std::map<std::string, std::string>& jobs, std::size_t shards,
                  Revision revision) {
  TableLoader loader(shards, 2, revision);
  std::size_t thread = 0;
  for (const auto& [id, bytes] : jobs) REQUIRE(loader.read(thread++ % 2, bytes));
  for (std::size_t shard = 0; shard < shards; ++shard) REQUIRE(loader.join(shard));
  auto content = loader.finish(revision, jobs.size(), 0);
  REQUIRE(content);
  return std::move(*content);
}

TEST_CASE("table cut: it has every job once, as it was, whatever happens meanwhile") {
  Table table;
  std::mt19937 random(20261201);
  const auto some_id = [&] { return "j" + std::to_string(random() % 3000); };
  const auto change = [&] {
    Entry entry = testing::random_history(random, 1).front();
    entry.job_id = some_id();
    table.apply(entry);
  };
  for (int i = 0; i < 20'000; ++i) change();
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    const auto expected = cut_of(table.jobs);
    CHECK(expected.size() == table.jobs.jobs());
    Cut cut;
    table.jobs.begin_cut();
    while (cut.step == CutStep::kMore) {
      // New jobs make the hash table grow, and move all others in it.
      const std::size_t next = 10'000 + table.revision;
      if (round % 2 == 1) table.define(next, next + 500);
      for (int i = 0; i < 100; ++i) change();
      if (random() % 8 == 0) table.jobs.let_go(table.revision / 4);
      cut.take(table.jobs);
    }
    table.jobs.end_cut();
    CHECK(cut.step == CutStep::kDone);
    CHECK_FALSE(cut.twice);
    CHECK(cut.jobs == expected);
  }
}

TEST_CASE("table cut: no look takes long, however large the table is") {
  Table table;
  table.define(0, 20'000);
  table.jobs.begin_cut();
  for (CutStep step = CutStep::kMore; step == CutStep::kMore;) {
    JobCopies copies;
    step = table.jobs.take_of_cut(copies);
    // One place of the hash table may hold several.
    CHECK(copies.size() < 200);
  }
  table.jobs.end_cut();
}

TEST_CASE("table cut: reading the bucket again breaks it") {
  Table table;
  table.define(0, 1000);
  Cut cut;
  table.jobs.begin_cut();
  cut.take(table.jobs);
  REQUIRE(cut.step == CutStep::kMore);
  table.jobs.install(BucketRead(1000), kEpoch + 1, 0s);
  cut.take(table.jobs);
  CHECK(cut.step == CutStep::kBroken);
  table.jobs.end_cut();
  CHECK(cut_of(table.jobs).empty());
}

TEST_CASE("table cut: what is not taken in time breaks it, and takes no more memory") {
  Table table;
  table.define(0, 250'000);
  table.jobs.begin_cut();
  for (int i = 0; i < 250'000; ++i) {
    table.apply(happened("j" + std::to_string(i), 1, EventKind::kStarted, "a"));
  }
  Cut cut;
  cut.take_all(table.jobs);
  CHECK(cut.step == CutStep::kBroken);
  table.jobs.end_cut();
}

TEST_CASE("table cut: jobs that requests wait for are not in it") {
  Table table;
  table.define(0, 1);
  table.apply(deleted(defined("j0", 1), 2));
  CHECK(cut_of(table.jobs).empty());
}

TEST_CASE("table loader: a loaded table is the one that was saved, and goes on like it") {
  for (const std::size_t shards : {1U, 3U}) {
    CAPTURE(shards);
    JobTable::Options options;
    options.shards = shards;
    Table lived;
    Table read(options);
    std::mt19937 random(7);
    const auto change = [&] {
      Entry entry = testing::random_history(random, 1).front();
      entry.job_id = "j" + std::to_string(random() % 300);
      if (auto* definition = std::get_if<Definition>(&entry.what)) {
        definition->labels = Labels({{"n", std::to_string(random() % 40)}});
      }
      return entry;
    };
    for (int i = 0; i < 10'000; ++i) lived.apply(change());
    const auto saved = cut_of(lived.jobs);
    BucketRead content = loaded(saved, shards, lived.revision);
    CHECK(content.revision() == lived.revision);
    read.jobs.install(std::move(content), kEpoch, 0s);
    read.revision = lived.revision;
    const auto same = [&] {
      CHECK(read.jobs.jobs() == lived.jobs.jobs());
      CHECK(read.jobs.position().get() == lived.jobs.position().get());
      for (int i = 0; i < 300; ++i) {
        const std::string id = "j" + std::to_string(i);
        CAPTURE(id);
        CHECK(read.tag(id) == lived.tag(id));
      }
      PageQuery page;
      page.limit = 100;
      const auto of = [&](Table& table) {
        return testing::whole_json(table.jobs.overview().look(page, {}).snapshot);
      };
      CHECK(of(read) == of(lived));
    };
    same();
    CHECK(cut_of(read.jobs) == saved);
    for (int i = 0; i < 5000; ++i) {
      const Entry entry = change();
      lived.apply(entry);
      read.apply(entry);
    }
    same();
    // Labels of jobs that have left may still be counted.
    CHECK(read.jobs.memory() <= lived.jobs.memory());
  }
}

TEST_CASE("table loader: a job that is there twice is refused") {
  Table table;
  table.define(0, 1);
  const std::string bytes = cut_of(table.jobs).at("j0");
  TableLoader loader(1, 2, 1);
  REQUIRE(loader.read(0, bytes));
  REQUIRE(loader.read(1, bytes));
  CHECK_FALSE(loader.join(0));
}

TEST_CASE("table loader: what exceeds the limits of the table is refused") {
  Table table;
  table.define(0, 2);
  const auto jobs = cut_of(table.jobs);
  const auto fits = [&](std::size_t jobs_max, std::size_t memory_max) {
    TableLoader loader(1, 1, 2);
    for (const auto& [id, bytes] : jobs) REQUIRE(loader.read(0, bytes));
    REQUIRE(loader.join(0));
    return loader.finish(2, jobs_max, memory_max).has_value();
  };
  CHECK(fits(2, table.jobs.memory()));
  CHECK_FALSE(fits(1, 0));
  CHECK_FALSE(fits(2, table.jobs.memory() - 1));
}

TEST_CASE("job table: it is whole until there is no room for an entry") {
  JobTable::Options options;
  options.shards = 1;
  options.jobs_max = 2;
  Table table(options);
  table.define(0, 2);
  CHECK(table.jobs.whole());
  CHECK_FALSE(table.jobs.apply(defined("j3", 3)));
  CHECK_FALSE(table.jobs.whole());
  BucketRead read(1);
  REQUIRE(read.absorb(defined("a", 1)));
  CHECK_FALSE(read.absorb(defined("b", 2)));
  table.jobs.install(std::move(read), kEpoch, 0s);
  CHECK_FALSE(table.jobs.whole());
  table.jobs.install(BucketRead(1), kEpoch, 0s);
  CHECK(table.jobs.whole());
}

}  // namespace
}  // namespace bide
