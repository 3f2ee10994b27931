#include "client/write_access.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

#include "server/files/state_dir.h"
#include "tests/scratch_dir.h"

using namespace bide;
using bide::testing::ScratchDir;

namespace {

const Command& command() {
  static const Command all{.name = "bide x", .settings = write_flags(), .takes_words = true};
  return all;
}

using Environment = std::map<std::string, std::string>;

// `embedded`: `bide serve` has started a nats-server on this machine.
WriteAccess found(const std::vector<std::string>& flags, const Environment& environment,
                  bool embedded = false) {
  const ScratchDir dir;
  const auto opened = PrivateDir::open(dir.path());
  REQUIRE(std::holds_alternative<PrivateDir>(opened));
  if (embedded) {
    REQUIRE(!std::get<PrivateDir>(opened).replace("nats-url", "nats://token@127.0.0.1:1\n"));
  }
  for (const char* name : {"BIDE_SERVER", "BIDE_NATS", "BIDE_NATS_CONTEXT", "BIDE_NATS_USER",
                           "BIDE_BUCKET", "BIDE_TOKEN", "BIDE_CACERT"}) {
    ::unsetenv(name);
  }
  ::setenv("BIDE_DATA_DIR", dir.path().c_str(), 1);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  const auto parsed = Arguments::parse(flags, command());
  REQUIRE(std::holds_alternative<Arguments>(parsed));
  return find_write_access(std::get<Arguments>(parsed));
}

// `http URL`, `nats URL BUCKET`, or `none CODE`.
std::string text_of(const WriteAccess& access) {
  if (const auto* api = std::get_if<ApiAccess>(&access)) return "http " + text_of(api->server);
  if (const auto* nats = std::get_if<BucketAccess>(&access)) {
    return "nats " + nats->login.urls + " " + nats->bucket;
  }
  return "none " + std::to_string(static_cast<int>(std::get<NoAccess>(access).code));
}

constexpr bool kEmbedded = true;
const Environment kServer = {{"BIDE_SERVER", "http://a:1"}};
const Environment kBoth = {{"BIDE_SERVER", "http://a:1"}, {"BIDE_NATS", "nats://b:2"}};

}  // namespace

TEST_CASE("write_access: a flag decides, then BIDE_SERVER, BIDE_NATS, the embedded server, HTTP") {
  CHECK(text_of(found({}, {})) == "http http://127.0.0.1:8080");
  CHECK(text_of(found({}, {}, kEmbedded)) == "nats nats://token@127.0.0.1:1 job-queue");
  CHECK(text_of(found({}, {{"BIDE_NATS", "nats://b:2"}}, kEmbedded)) ==
        "nats nats://b:2 job-queue");
  CHECK(text_of(found({}, kServer, kEmbedded)) == "http http://a:1");
  CHECK(text_of(found({}, kBoth, kEmbedded)) == "http http://a:1");
  CHECK(text_of(found({"--nats", "nats://c:3"}, kBoth)) == "nats nats://c:3 job-queue");
  CHECK(text_of(found({"--server", "http://d:4"}, kBoth)) == "http http://d:4");
  CHECK(text_of(found({"--bucket", "other"}, kBoth)) == "nats nats://b:2 other");
  CHECK(text_of(found({"--bucket", "other"}, kServer, kEmbedded)) ==
        "nats nats://token@127.0.0.1:1 other");
}

TEST_CASE("write_access: other variables decide nothing") {
  CHECK(text_of(found({}, {{"BIDE_NATS_USER", "u"}, {"BIDE_BUCKET", "b"}, {"BIDE_TOKEN", "t"}})) ==
        "http http://127.0.0.1:8080");
  CHECK(text_of(found({}, {{"BIDE_BUCKET", "b"}}, kEmbedded)) == "nats nats://token@127.0.0.1:1 b");
}

TEST_CASE("write_access: what contradicts itself or cannot be is a mistake of the caller") {
  CHECK(text_of(found({"--server", "http://a:1", "--nats", "nats://b:2"}, {})) == "none 2");
  CHECK(text_of(found({"--cacert", "/dev/null", "--nats-user", "u"}, {})) == "none 2");
  CHECK(text_of(found({"--server", "ftp://a"}, {})) == "none 2");
  CHECK(text_of(found({"--nats", "http://a"}, {})) == "none 2");
  CHECK(text_of(found({"--nats", "nats://b:2", "--bucket", "a.b"}, {})) == "none 2");
  CHECK(text_of(found({"--bucket", "b"}, {})) == "none 1");  // There is no embedded server.
}

TEST_CASE("write_access: a hint for those who have not named a server that cannot be reached") {
  const auto hint = [](const std::vector<std::string>& flags, const char* trouble) {
    const auto parsed = Arguments::parse(flags, command());
    return hint_about(trouble, std::get<Arguments>(parsed));
  };
  static_cast<void>(found({}, {}));  // Clears the environment.
  CHECK(hint({}, "cannot connect to http://127.0.0.1:8080").find("BIDE_SERVER") !=
        std::string::npos);
  CHECK(hint({}, "the server answered 503").empty());
  CHECK(hint({"--server", "http://a:1"}, "cannot connect to http://a:1").empty());
}
