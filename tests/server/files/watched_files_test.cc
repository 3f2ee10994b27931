#include "server/files/watched_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "tests/scratch_dir.h"
#include "tests/server/auth/credentials.h"

using namespace bide;
using namespace bide::testing;
namespace fs = std::filesystem;

namespace {

using Files = std::vector<fs::path>;

struct Fixture {
  Fixture() {
    write_file(first, "1");
    write_file(second, "2");
  }

  ScratchDir dir;
  const fs::path first = dir.path() / "first";
  const fs::path second = dir.path() / "second";
};

void set_modified(const fs::path& file, long nanoseconds) {
  const timespec times[2] = {{.tv_sec = 1'700'000'000, .tv_nsec = 0},
                             {.tv_sec = 1'700'000'000, .tv_nsec = nanoseconds}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("watched files: a change is told once, by the file that changed") {
  const Fixture fixture;
  WatchedFiles files({fixture.first, fixture.second});
  CHECK(files.take_changed() == Files{});
  write_file(fixture.second, "longer");
  CHECK(files.take_changed() == Files{fixture.second});
  CHECK(files.take_changed() == Files{});
  write_file(fixture.second, "and longer");
  write_file(fixture.first, "too");
  CHECK(files.take_changed() == Files{fixture.first, fixture.second});
  CHECK(files.take_changed() == Files{});
}

TEST_CASE("watched files: a nanosecond and another inode are changes, too") {
  const Fixture fixture;
  set_modified(fixture.first, 1);
  WatchedFiles files({fixture.first});
  set_modified(fixture.first, 2);
  CHECK(files.take_changed() == Files{fixture.first});
  replace_file(fixture.first, "1");
  set_modified(fixture.first, 2);
  CHECK(files.take_changed() == Files{fixture.first});
}

TEST_CASE("watched files: a file being replaced is no change until it is back") {
  const Fixture fixture;
  WatchedFiles files({fixture.first, fixture.second});
  fs::remove(fixture.first);
  CHECK(files.take_changed() == Files{});
  CHECK(files.take_changed() == Files{});
  write_file(fixture.first, "back");
  CHECK(files.take_changed() == Files{fixture.first});
  CHECK(files.take_changed() == Files{});
}

TEST_CASE("watched files: one that comes into being is a change") {
  const Fixture fixture;
  const fs::path late = fixture.dir.path() / "late";
  WatchedFiles files({late});
  CHECK(files.take_changed() == Files{});
  write_file(late, "");
  CHECK(files.take_changed() == Files{late});
  CHECK(files.take_changed() == Files{});
}

TEST_CASE("watched files: a link far above the file may turn, as a mounted secret's does") {
  const ScratchDir dir;
  fs::create_directory(dir.path() / "v1");
  fs::create_directory(dir.path() / "v2");
  write_file(dir.path() / "v1" / "key", "same size");
  write_file(dir.path() / "v2" / "key", "same SIZE");
  set_modified(dir.path() / "v1" / "key", 0);
  set_modified(dir.path() / "v2" / "key", 0);
  fs::create_directory_symlink("v1", dir.path() / "..data");
  fs::create_symlink("..data/key", dir.path() / "key");
  WatchedFiles files({dir.path() / "key"});

  fs::create_directory_symlink("v2", dir.path() / "..data_tmp");
  fs::rename(dir.path() / "..data_tmp", dir.path() / "..data");
  CHECK(files.take_changed() == Files{dir.path() / "key"});
  CHECK(files.take_changed() == Files{});
  fs::remove(dir.path() / "..data");
  CHECK(files.take_changed() == Files{});
}
