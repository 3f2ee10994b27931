#include "client/arguments.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

using namespace bide;

namespace {

constexpr Setting kOutput{.name = "output",
                          .placeholder = "FORMAT",
                          .default_text = "text",
                          .doc = "how",
                          .expected = "text or json",
                          .letter = 'o'};
constexpr Setting kQuiet{
    .name = "quiet", .kind = SettingKind::kSwitch, .doc = "say nothing", .letter = 'q'};
constexpr Setting kData{.name = "data", .placeholder = "JSON", .doc = "what"};
constexpr Setting kArgumentsTest{.name = "arguments-test",
                                 .placeholder = "X",
                                 .default_text = "default",
                                 .doc = "where",
                                 .has_variable = true};
const Command kCommand{.name = "bide test",
                       .summary = "try things",
                       .synopsis = {"WORD... [-q]", "--all"},
                       .description = "One line\nof two.\n\nAnother paragraph.",
                       .examples = {"bide test a   b"},
                       .settings = {&kOutput, &kQuiet, &kData, &kArgumentsTest},
                       .notes = "That is all.",
                       .exit_codes = {{"0", "good"}, {"130, 143", "bad"}},
                       .takes_words = true};

Arguments parsed(const std::vector<std::string>& args) {
  auto result = Arguments::parse(args, kCommand);
  REQUIRE(std::holds_alternative<Arguments>(result));
  return std::get<Arguments>(result);
}

std::string complaint_about(const std::vector<std::string>& args) {
  auto result = Arguments::parse(args, kCommand);
  REQUIRE(std::holds_alternative<UsageError>(result));
  CHECK(std::get<UsageError>(result).exit_code == 2);
  return std::get<UsageError>(result).message;
}

}  // namespace

TEST_CASE("arguments: words and options may come in any order") {
  const Arguments arguments = parsed({"-q", "build-7", "--output", "json", "build-8"});
  CHECK(arguments.words() == std::vector<std::string>{"build-7", "build-8"});
  CHECK(arguments.value("output") == "json");
  CHECK(arguments.given("quiet"));
  CHECK(!arguments.given("data"));
  CHECK(arguments.value("data").empty());
  CHECK(parsed({}).value("output") == "text");
}

TEST_CASE("arguments: a value may follow an equals sign, hold one, or begin with a dash") {
  CHECK(parsed({"--output=json"}).value("output") == "json");
  CHECK(parsed({"--data=a=b"}).value("data") == "a=b");
  CHECK(parsed({"--data="}).value("data") == "");
  CHECK(parsed({"-o", "-q"}).value("output") == "-q");
}

TEST_CASE("arguments: after -- everything is a word, and a lone dash is one") {
  CHECK(parsed({"--", "-q", "--"}).words() == std::vector<std::string>{"-q", "--"});
  CHECK(parsed({"-"}).words() == std::vector<std::string>{"-"});
}

TEST_CASE("arguments: an unknown argument is named") {
  CHECK(complaint_about({"--colour", "red"}) ==
        "--colour: no such setting; `bide test --help` lists them");
  CHECK(complaint_about({"--outptu", "json"}) ==
        "--outptu: no such setting; did you mean --output? `bide test --help` lists them");
  CHECK(complaint_about({"-qo"}) == "-qo: no such setting; `bide test --help` lists them");
  CHECK(complaint_about({"--output"}) == "--output: expected text or json");
  CHECK(complaint_about({"--quiet=yes"}) == "--quiet: takes no value");
  CHECK(complaint_about({"-o", "json", "--output=text"}) == "--output: given twice");
}

TEST_CASE("arguments: an unexpected value is not repeated: it may be a secret") {
  CHECK(complaint_about({"--token=abc"}) ==
        "--token: no such setting; `bide test --help` lists them");
}

TEST_CASE("arguments: the flag beats the variable, which beats the default") {
  ::unsetenv("BIDE_ARGUMENTS_TEST");
  CHECK(parsed({}).value("arguments-test") == "default");
  CHECK(!parsed({}).given("arguments-test"));
  ::setenv("BIDE_ARGUMENTS_TEST", "", 1);
  CHECK(parsed({}).value("arguments-test") == "default");
  ::setenv("BIDE_ARGUMENTS_TEST", "variable", 1);
  ::setenv("BIDE_OUTPUT", "json", 1);
  const Arguments arguments = parsed({});
  CHECK(arguments.value("arguments-test") == "variable");
  CHECK(arguments.find("arguments-test")->where == "BIDE_ARGUMENTS_TEST");
  CHECK(arguments.value("output") == "text");
  CHECK(parsed({"--arguments-test=flag"}).value("arguments-test") == "flag");
}

TEST_CASE("arguments: a setting that repeats has all its values, others are refused twice") {
  constexpr Setting kMany{.name = "many", .placeholder = "X", .repeats = true};
  const Command command{.name = "bide test", .settings = {&kMany, &kData}, .takes_words = true};
  const auto parse = [&](const std::vector<std::string>& args) {
    return Arguments::parse(args, command);
  };
  const auto both = parse({"--many", "a", "x", "--many=b"});
  REQUIRE(std::holds_alternative<Arguments>(both));
  CHECK(std::get<Arguments>(both).values("many") == std::vector<std::string>{"a", "b"});
  CHECK(std::get<Arguments>(both).values("data").empty());
  CHECK(std::holds_alternative<UsageError>(parse({"--data", "1", "--data", "2"})));
}

TEST_CASE("arguments: what stands behind -- is told from what stands before it") {
  CHECK_FALSE(parsed({"a", "-q"}).words_before_dashes().has_value());
  CHECK(parsed({"--", "a", "-q"}).words_before_dashes() == 0);
  const Arguments both = parsed({"a", "-q", "--", "b", "--", "-q"});
  CHECK(both.words_before_dashes() == 1);
  CHECK(both.words() == std::vector<std::string>{"a", "b", "--", "-q"});
}

TEST_CASE("arguments: --help has every setting with its variable and default") {
  const auto result = Arguments::parse(std::vector<std::string>{"word", "-h"}, kCommand);
  REQUIRE(std::holds_alternative<UsageError>(result));
  CHECK(std::get<UsageError>(result).exit_code == 0);
  CHECK(std::get<UsageError>(result).message ==
        "bide test: try things\n"
        "\n"
        "Usage:\n"
        "  bide test WORD... [-q]\n"
        "  bide test --all\n"
        "\n"
        "One line of two.\n"
        "\n"
        "Another paragraph.\n"
        "\n"
        "Examples:\n"
        "  bide test a   b\n"
        "\n"
        "Flags:\n"
        "  -o, --output FORMAT     how (default: text)\n"
        "  -q, --quiet             say nothing\n"
        "      --data JSON         what\n"
        "      --arguments-test X  where (BIDE_ARGUMENTS_TEST; default: default)\n"
        "  -h, --help              print this and exit\n"
        "\n"
        "That is all.\n"
        "\n"
        "Exit codes:\n"
        "  0         good\n"
        "  130, 143  bad\n");
}

TEST_CASE("arguments: on a narrow terminal the meaning of a flag stands below it") {
  ::setenv("COLUMNS", "40", 1);
  const auto result = Arguments::parse(std::vector<std::string>{"--help"}, kCommand);
  ::unsetenv("COLUMNS");
  const std::string& help = std::get<UsageError>(result).message;
  CHECK(help.find("\n  --arguments-test X\n"
                  "      where (BIDE_ARGUMENTS_TEST;\n"
                  "      default: default)\n") != std::string::npos);
}

TEST_CASE("arguments: a value that is nearly one of the choices names it") {
  constexpr Setting kHow{.name = "how",
                         .placeholder = "HOW",
                         .expected = "text, json or jsonl",
                         .choices = "text,json,jsonl"};
  const Command command{.name = "bide test", .settings = {&kHow}, .takes_words = true};
  const auto complaint = [&](const std::string& value) {
    const auto result = Arguments::parse(std::vector<std::string>{"--how", value}, command);
    return std::get<Arguments>(result).unexpected("how").message;
  };
  CHECK(complaint("josn") == "--how: expected text, json or jsonl; did you mean json?");
  CHECK(complaint("secret") == "--how: expected text, json or jsonl");
}
