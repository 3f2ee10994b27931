#include "client/nats_access.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "server/files/state_dir.h"

using namespace bide;

namespace {

std::filesystem::path make_state_dir() {
  std::string name = (std::filesystem::temp_directory_path() / "bide-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  return name;
}

std::string url_of(const std::variant<std::string, Misuse>& found) {
  REQUIRE(std::holds_alternative<std::string>(found));
  return std::get<std::string>(found);
}

}  // namespace

TEST_CASE("nats_server: the file that serve leaves, or a hint") {
  const auto dir = make_state_dir();
  ::setenv("BIDE_DATA_DIR", dir.c_str(), 1);
  const auto nothing = find_nats_server();
  REQUIRE(std::holds_alternative<Misuse>(nothing));
  CHECK(std::get<Misuse>(nothing).message.find("nats-url") != std::string::npos);

  const auto opened = PrivateDir::open(dir);
  REQUIRE(std::holds_alternative<PrivateDir>(opened));
  REQUIRE(!std::get<PrivateDir>(opened).replace("nats-url", "nats://token@127.0.0.1:1\n"));
  CHECK(url_of(find_nats_server()) == "nats://token@127.0.0.1:1");
  std::filesystem::remove_all(dir);
}
