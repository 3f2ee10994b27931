#include "server/state_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/scratch_dir.h"

namespace bide {
namespace {

using testing::ScratchDir;

TEST_CASE("state_dir: XDG first, then home; nothing relative, nothing empty") {
  CHECK(state_dir_of("/x", "/h") == "/x/bide");
  CHECK(state_dir_of(nullptr, "/h") == "/h/.local/state/bide");
  CHECK(state_dir_of("", "/h") == "/h/.local/state/bide");
  CHECK(state_dir_of("x", "/h") == "/h/.local/state/bide");
  CHECK(state_dir_of(nullptr, nullptr).empty());
  CHECK(state_dir_of(nullptr, "").empty());
}

TEST_CASE("state_dir: a private file is private, also where an open one was") {
  const ScratchDir dir;
  const auto file = nats_url_file(dir.path());
  std::ofstream(file) << "old and longer than the new one\n";
  ::chmod(file.c_str(), 0644);
  CHECK_FALSE(write_private_file(file, "nats://t@h\n"));
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(read_nats_url(dir.path()) == "nats://t@h");
}

TEST_CASE(
    "state_dir: a draft left behind by a crash does not matter, nor does a link in its place") {
  const ScratchDir dir;
  const auto victim = dir.path() / "victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_symlink(victim, dir.path() / "nats-url.new");
  CHECK_FALSE(write_private_file(nats_url_file(dir.path()), "nats://t@h\n"));
  CHECK(read_nats_url(dir.path()) == "nats://t@h");
  std::string kept;
  std::ifstream(victim) >> kept;
  CHECK(kept == "precious");
}

TEST_CASE("state_dir: what cannot be written is an error, what is not there is nothing") {
  const ScratchDir dir;
  CHECK(write_private_file(dir.path() / "missing" / "file", "x") ==
        std::errc::no_such_file_or_directory);
  CHECK_FALSE(read_nats_url(dir.path()));
  std::ofstream(nats_url_file(dir.path())) << "";
  CHECK_FALSE(read_nats_url(dir.path()));
}

}  // namespace
}  // namespace bide
