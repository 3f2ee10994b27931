#include "server/nats/checkpoints.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/core/job/entries.h"
#include "tests/fake_clock.h"
#include "tests/scratch_dir.h"

using namespace bide;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

constexpr Epoch kEpoch = 42;
constexpr std::uint64_t kEntries = 6400;  // A hundred new ones are worth it.

struct Bide {
  FakeClock clock;
  JobTable::Options options{};
  Metrics metrics;
  JobTable table;
  std::unique_ptr<Checkpoints> checkpoints;
  std::optional<Checkpoints::Loaded> loaded;

  explicit Bide(const fs::path& dir, JobTable::Options limits = {}, std::string bucket = "jobs")
      : options(limits),
        table(clock, limits, nullptr),
        checkpoints(started(Checkpoints::make(dir, std::move(bucket), table, metrics))),
        loaded(checkpoints->take_loaded()) {}
  template <typename Made>
  static std::unique_ptr<Checkpoints> started(Made made) {
    REQUIRE(made.index() == 0);
    std::get<0>(made)->start();
    return std::get<0>(std::move(made));
  }
  void read_bucket(std::size_t jobs, Epoch epoch = kEpoch) {
    BucketRead read(options.jobs_max);
    for (Revision i = 1; i <= jobs; ++i) {
      (void)read.absorb(testing::defined("j" + std::to_string(i), i));
    }
    table.install(std::move(read), epoch, 0s);
  }
  // New jobs.
  void apply(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const Revision revision = table.position().revision() + 1;
      REQUIRE(table.apply(testing::defined("j" + std::to_string(revision), revision)));
    }
  }
  [[nodiscard]] bool due(std::chrono::minutes later, bool ending = false) {
    return checkpoints->due(kEntries, system_clock().now() + later, ending);
  }
  void save(const std::string& place = "place") {
    checkpoints->begin(place);
    checkpoints->finish(60s);
  }
  std::string tag(const std::string& id) {
    const auto snapshot = table.look(id, {}, clock.now()).snapshot;
    return snapshot == nullptr ? "" : snapshot->json.etag();
  }
};

struct Folder {
  testing::ScratchDir scratch;
  fs::path dir = scratch.path() / "state" / "snapshots";
  fs::path file = dir / "jobs.snapshot";
};

}  // namespace

TEST_CASE("checkpoints: a bide goes on with the table of the one before") {
  Folder folder;
  std::string tag;
  {
    Bide bide(folder.dir);
    CHECK_FALSE(bide.loaded);
    bide.read_bucket(3000);
    bide.apply(500);
    tag = bide.tag("j3500");
    REQUIRE(bide.due(0min));
    bide.save("somewhere");
    CHECK(bide.metrics.snapshots_written == 1);
    CHECK(bide.metrics.snapshot_bytes == fs::file_size(folder.file));
  }
  Bide bide(folder.dir);
  REQUIRE(bide.loaded);
  CHECK(bide.metrics.snapshot_bytes == fs::file_size(folder.file));
  CHECK(bide.metrics.snapshot_unix_seconds > 1'700'000'000);
  CHECK(bide.loaded->place == "somewhere");
  CHECK(bide.loaded->position == Position::Place{kEpoch, 3500});
  bide.table.install(std::move(bide.loaded->content), kEpoch, 0s);
  CHECK(bide.table.jobs() == 3500);
  CHECK(bide.tag("j3500") == tag);
  CHECK(bide.table.position().get() == Position::Place{kEpoch, 3500});
}

TEST_CASE("checkpoints: it is written when there is enough new to be worth it") {
  Folder folder;
  {
    Bide bide(folder.dir);
    bide.read_bucket(3000);
    CHECK(bide.due(0min));
    bide.save();
  }
  Bide bide(folder.dir);
  REQUIRE(bide.loaded);
  bide.table.install(std::move(bide.loaded->content), kEpoch, 0s);
  CHECK_FALSE(bide.due(1000min));
  bide.apply(99);
  CHECK_FALSE(bide.due(59min));
  CHECK(bide.due(60min));
  CHECK_FALSE(bide.due(60min - 1min, true));
  bide.apply(1);
  CHECK_FALSE(bide.due(4min));
  CHECK(bide.due(5min));
  CHECK(bide.due(0min, true));
  // Of another stream.
  bide.read_bucket(10, kEpoch + 1);
  CHECK(bide.due(5min));
}

TEST_CASE("checkpoints: after one that was refused the next is not delayed") {
  Folder folder;
  {
    Bide bide(folder.dir);
    bide.read_bucket(10);
    bide.save();
  }
  Bide bide(folder.dir);
  REQUIRE(bide.loaded);
  bide.checkpoints->refuse_loaded();
  CHECK(bide.metrics.snapshots_refused == 1);
  bide.read_bucket(10);
  CHECK(bide.due(0min));
}

TEST_CASE("checkpoints: what is damaged, of another bucket or too large is not used") {
  Folder folder;
  {
    Bide bide(folder.dir);
    bide.read_bucket(3000);
    bide.save();
  }
  SUBCASE("whole") { CHECK(Bide(folder.dir).loaded); }
  SUBCASE("damaged") {
    std::fstream file(folder.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(folder.file) / 2));
    file.put('!');
    file.close();
    CHECK_FALSE(Bide(folder.dir).loaded);
  }
  SUBCASE("of another bucket") {
    fs::rename(folder.file, folder.dir / "others.snapshot");
    CHECK_FALSE(Bide(folder.dir, {}, "others").loaded);
  }
  SUBCASE("too many jobs") {
    JobTable::Options options;
    options.jobs_max = 2999;
    CHECK_FALSE(Bide(folder.dir, options).loaded);
  }
  SUBCASE("too large") {
    JobTable::Options options;
    options.memory_max = 1000;
    CHECK_FALSE(Bide(folder.dir, options).loaded);
  }
}

TEST_CASE("checkpoints: one is refused if there was no room for all entries") {
  Folder folder;
  JobTable::Options options;
  options.jobs_max = 10;
  Bide bide(folder.dir, options);
  bide.read_bucket(11);
  CHECK_FALSE(bide.due(1000min));
  bide.read_bucket(10);
  CHECK(bide.due(0min));
}

TEST_CASE("checkpoints: one that is not ready when bide ends leaves the last one") {
  Folder folder;
  std::string before;
  for (const std::size_t jobs : {1000U, 200'000U}) {
    Bide bide(folder.dir);
    bide.read_bucket(jobs);
    if (jobs > 1000) {
      bide.checkpoints->begin("new");
    } else {
      bide.save("old");
    }
  }
  Bide bide(folder.dir);
  REQUIRE(bide.loaded);
  CHECK(bide.loaded->place == "old");
  CHECK(std::distance(fs::directory_iterator(folder.dir), {}) == 1);
}

TEST_CASE("checkpoints: a folder that others may write to is refused") {
  Folder folder;
  fs::create_directories(folder.dir);
  fs::permissions(folder.dir, fs::perms::group_write, fs::perm_options::add);
  FakeClock clock;
  JobTable table(clock, {}, nullptr);
  Metrics metrics;
  CHECK(Checkpoints::make(folder.dir, "jobs", table, metrics).index() == 1);
}

TEST_CASE("checkpoints: without a folder to write to the log says so, and bide goes on") {
  Folder folder;
  Bide bide(folder.dir);
  bide.read_bucket(10);
  fs::remove_all(folder.dir);
  REQUIRE(bide.due(0min));
  bide.save();
  CHECK(bide.metrics.snapshots_failed == 1);
  CHECK(bide.metrics.snapshots_written == 0);
}
