#include "server/files/small_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/scratch_dir.h"

namespace bide {
namespace {

using testing::ScratchDir;

std::filesystem::path written(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

// The text, or `!` and the error.
std::string read(const std::filesystem::path& file, FileLimits limits = {}) {
  const auto found = read_small_file(file, limits);
  if (const auto* trouble = std::get_if<Unreadable>(&found)) return "!" + trouble->why;
  return std::string(std::get<FileText>(found).text());
}

}  // namespace

TEST_CASE("small_file: a file is read whole, links are followed, none is empty text") {
  const ScratchDir dir;
  const auto file = written(dir.path() / "a", std::string_view("a\0\n", 3));
  std::filesystem::create_symlink(file, dir.path() / "link");
  for (const bool regular_only : {false, true}) {
    CHECK(read(dir.path() / "link", {.regular_only = regular_only}) == std::string("a\0\n", 3));
    CHECK(read(written(dir.path() / "b", ""), {.regular_only = regular_only}).empty());
    CHECK(read("/proc/self/comm", {.regular_only = regular_only}).ends_with("\n"));
  }
}

TEST_CASE("small_file: an unreadable file says why") {
  const ScratchDir dir;
  CHECK(read(dir.path() / "none") == "!No such file or directory");
  CHECK(read(dir.path()) == "!Is a directory");
  CHECK(read(dir.path(), {.regular_only = true}) == "!not a regular file");
}

TEST_CASE("small_file: a file at the limit is read, one byte more is not") {
  const ScratchDir dir;
  const std::string full(1 << 20, 'x');
  CHECK(read(written(dir.path() / "full", full)) == full);
  const auto more = written(dir.path() / "more", full + "x");
  CHECK(read(more) == "!larger than 1 MiB");
  CHECK(read(more, {.bytes_max = 2 << 20}) == full + "x");
  CHECK(read("/dev/zero") == "!larger than 1 MiB");
}

TEST_CASE("small_file: a pipe is read to its end, and not waited for without a writer") {
  const ScratchDir dir;
  const std::filesystem::path fifo = dir.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(read(fifo, {.regular_only = true}) == "!not a regular file");
  CHECK(read(fifo).empty());

  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  std::thread writer([&] {
    for (const char* const part : {"ab", "c"}) (void)!::write(ends[1], part, std::strlen(part));
    ::close(ends[1]);
  });
  CHECK(read("/dev/fd/" + std::to_string(ends[0])) == "abc");
  writer.join();
  ::close(ends[0]);
}

}  // namespace bide
