#include "client/arguments.h"

#include <doctest/doctest.h>

#include <vector>

using namespace bide;

namespace {

constexpr OptionSpec kSpecs[] = {
    {"--output", "-o", true}, {"--quiet", "-q", false}, {"--data", "", true}};

Arguments parsed(const std::vector<std::string>& args) {
  auto result = Arguments::parse(args, kSpecs);
  REQUIRE(std::holds_alternative<Arguments>(result));
  return std::get<Arguments>(result);
}

std::string complaint_about(const std::vector<std::string>& args) {
  auto result = Arguments::parse(args, kSpecs);
  REQUIRE(std::holds_alternative<Misuse>(result));
  return std::get<Misuse>(result).message;
}

}  // namespace

TEST_CASE("arguments: words and options may come in any order") {
  const Arguments arguments = parsed({"-q", "build-7", "--output", "json", "build-8"});
  CHECK(arguments.words() == std::vector<std::string>{"build-7", "build-8"});
  CHECK(arguments.find("--output") == "json");
  CHECK(arguments.given("--quiet"));
  CHECK(!arguments.find("--data"));
}

TEST_CASE("arguments: a value may follow an equals sign, hold one, or begin with a dash") {
  CHECK(parsed({"--output=json"}).find("--output") == "json");
  CHECK(parsed({"--data=a=b"}).find("--data") == "a=b");
  CHECK(parsed({"--data="}).find("--data") == "");
  CHECK(parsed({"-o", "-q"}).find("--output") == "-q");
}

TEST_CASE("arguments: after -- everything is a word, and a lone dash is one") {
  CHECK(parsed({"--", "-q", "--"}).words() == std::vector<std::string>{"-q", "--"});
  CHECK(parsed({"-"}).words() == std::vector<std::string>{"-"});
}

TEST_CASE("arguments: what is not understood is named") {
  CHECK(complaint_about({"--colour", "red"}) == "unknown option --colour");
  CHECK(complaint_about({"-qo"}) == "unknown option -qo");
  CHECK(complaint_about({"--output"}) == "--output needs a value");
  CHECK(complaint_about({"--quiet=yes"}) == "--quiet takes no value");
  CHECK(complaint_about({"-o", "json", "--output=text"}) == "--output is given twice");
}

TEST_CASE("arguments: a value that nobody asked for is not repeated: it may be a secret") {
  CHECK(complaint_about({"--token=abc"}) == "unknown option --token");
}
