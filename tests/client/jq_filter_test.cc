#include "client/jq_filter.h"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace bide;

namespace {

std::shared_ptr<JqFilter> filter(const std::string& program) {
  auto compiled = JqFilter::compile(program);
  REQUIRE(std::holds_alternative<std::shared_ptr<JqFilter>>(compiled));
  return std::get<std::shared_ptr<JqFilter>>(compiled);
}

std::string complaint(const std::string& program) {
  const auto compiled = JqFilter::compile(program);
  REQUIRE(std::holds_alternative<Misuse>(compiled));
  return std::get<Misuse>(compiled).message;
}

struct Ran {
  std::string out;
  std::string error;
};

Ran run(JqFilter& filter, std::string_view json) {
  Ran ran;
  const auto error = filter.run(json, [&](const JqFilter::Output& output) {
    ran.out += std::string(output.text) + "\n";
    return true;
  });
  ran.error = error.value_or("");
  return ran;
}

}  // namespace

TEST_CASE("jq_filter: strings come without quotes, others as JSON on one line") {
  const auto all = filter(".[]");
  CHECK(run(*all, "[\"a\\nb\", 1, {\"c\" : [null]}]").out == "a\nb\n1\n{\"c\":[null]}\n");
  CHECK(run(*all, "[2]").out == "2\n");  // It can be used again.
  CHECK(run(*filter(""), "{}").out == "{}\n");
}

TEST_CASE("jq_filter: a bad program is explained in one line") {
  for (const char* program : {".[", "nope", "{", ")", "import \"no-such\" as x; .", "\"\\(", "%"}) {
    CAPTURE(program);
    const std::string why = complaint(program);
    CHECK(why.starts_with("--jq: "));
    CHECK(why.size() > 10);
    CHECK(why.find('\n') == std::string::npos);
    CHECK(why.find("Unix shell") == std::string::npos);
  }
  CHECK(complaint("nope") == "--jq: nope/0 is not defined");
}

TEST_CASE("jq_filter: an error while it runs is told, and what came before is kept") {
  const auto first = filter(".id, .id.x, .id");
  const Ran ran = run(*first, "{\"id\":\"a\"}");
  CHECK(ran.out == "a\n");
  CHECK(ran.error.starts_with("--jq: Cannot index string"));
  CHECK(run(*first, "{\"id\":{\"x\":1}}").error.empty());
  CHECK(run(*filter("error(\"why\\u001b\")"), "1").error == "--jq: why ");
  CHECK(run(*filter("1, halt, 2"), "1").out == "1\n");
  CHECK(run(*filter("\"no\" | halt_error"), "1").error == "--jq: no");
  CHECK(!run(*filter("input"), "1").error.empty());
  for (const char* program : {"debug", "stderr", "[inputs] | length", "input_filename",
                              "$ENV | type", "try input_line_number catch ."}) {
    CAPTURE(program);
    CHECK(run(*filter(program), "1").error.empty());
  }
}

TEST_CASE("jq_filter: what is no JSON, or nested deeper than jq reads, is an error") {
  const auto all = filter(".");
  for (const std::string& json : {std::string(), std::string("{"), std::string("nul"),
                                  std::string(10'000, '[') + std::string(10'000, ']')}) {
    CHECK(run(*all, json).out.empty());
  }
  CHECK(!run(*all, "{").error.empty());
  CHECK(run(*all, "1e999").error.empty());
}

TEST_CASE("jq_filter: an escaped surrogate that stands alone is U+FFFD") {
  const auto all = filter(".[]");
  const std::string odd = "\xEF\xBF\xBD";
  CHECK(run(*all, R"(["\ud800","a\udc00b","\ud83d\ude00","\\ud800"])").out ==
        odd + "\na" + odd + "b\n\xF0\x9F\x98\x80\n\\ud800\n");
  CHECK(run(*all, R"(["\ud800\u0041","\ud800\ud83d\ude00"])").out ==
        odd + "A\n" + odd + "\xF0\x9F\x98\x80\n");
}

TEST_CASE("jq_filter: outputs can be refused") {
  int count = 0;
  const auto endless = filter("repeat(.)");
  CHECK(!endless->run("1", [&](const JqFilter::Output&) { return ++count < 3; }));
  CHECK(count == 3);
}

TEST_CASE("jq_filter: one that never ends ends the process after its time of the processor") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto compiled = JqFilter::compile("def f: f; f", std::chrono::milliseconds(200));
    static_cast<void>(std::get<std::shared_ptr<JqFilter>>(compiled)->run(
        "1", [](const JqFilter::Output&) { return true; }));
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}
