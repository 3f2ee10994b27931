#include "server/files/state_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

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

PrivateDir opened(const std::filesystem::path& path) {
  auto opened = PrivateDir::open(path);
  REQUIRE(std::holds_alternative<PrivateDir>(opened));
  return std::get<PrivateDir>(std::move(opened));
}
bool is_url(const std::filesystem::path& dir, const std::string& url) {
  const auto read = read_nats_url(dir);
  return std::holds_alternative<std::string>(read) && std::get<std::string>(read) == url;
}
std::string fault_of(const std::filesystem::path& dir) {
  const auto read = read_nats_url(dir);
  REQUIRE(std::holds_alternative<PrivateDir::Fault>(read));
  return std::get<PrivateDir::Fault>(read).text;
}
bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("state_dir: a private file is private, also where an open one was") {
  const ScratchDir dir;
  const auto file = nats_url_file(dir.path());
  std::ofstream(file) << "old and longer than the new one\n";
  ::chmod(file.c_str(), 0644);
  CHECK_FALSE(opened(dir.path()).replace("nats-url", "nats://t@h\n"));
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(is_url(dir.path(), "nats://t@h"));
}

TEST_CASE(
    "state_dir: a draft left behind by a crash does not matter, nor does a link in its place") {
  const ScratchDir dir;
  const auto victim = dir.path() / "victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_symlink(victim, dir.path() / "nats-url.new");
  CHECK_FALSE(opened(dir.path()).replace("nats-url", "nats://t@h\n"));
  CHECK(is_url(dir.path(), "nats://t@h"));
  std::string kept;
  std::ifstream(victim) >> kept;
  CHECK(kept == "precious");
}

TEST_CASE("state_dir: a missing or empty file is a fault") {
  const ScratchDir dir;
  CHECK(mentions(fault_of(dir.path() / "missing"), "No such file"));
  CHECK(mentions(fault_of(dir.path()), "nats-url cannot be read"));
  std::ofstream(nats_url_file(dir.path())) << "";
  CHECK(mentions(fault_of(dir.path()), "nats-url cannot be read"));
}

TEST_CASE("state_dir: a URL that another user may have planted is not used") {
  const ScratchDir dir;
  const auto file = nats_url_file(dir.path());
  const auto plant = [&] { std::ofstream(file) << "nats://evil.example\n"; };
  SUBCASE("by a link") {
    std::ofstream(dir.path() / "other") << "nats://evil.example\n";
    std::filesystem::create_symlink(dir.path() / "other", file);
  }
  SUBCASE("in a file that all may write") {
    plant();
    ::chmod(file.c_str(), 0666);
  }
  SUBCASE("in a folder that all may write") {
    plant();
    ::chmod(dir.path().c_str(), 0777);
  }
  SUBCASE("another user's file") {
    if (::geteuid() != 0) return;  // Only root gives files away.
    plant();
    REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  }
  SUBCASE("another user's folder") {
    if (::geteuid() != 0) return;  // Only root gives files away.
    plant();
    REQUIRE(::chown(dir.path().c_str(), 12345, 12345) == 0);
  }
  SUBCASE("a pipe, which would have us wait") { REQUIRE(::mkfifo(file.c_str(), 0600) == 0); }
  CHECK_FALSE(fault_of(dir.path()).empty());
}

}  // namespace
}  // namespace bide
