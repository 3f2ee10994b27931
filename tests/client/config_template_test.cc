#include "client/config_template.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "server/settings/options.h"
#include "server/settings/settings.h"
#include "tests/scratch_dir.h"

namespace bide {
namespace {

ServeOptions read(const std::string& text) {
  const testing::ScratchDir dir;
  const std::string file = dir.path() / "bide.toml";
  std::ofstream(file) << text;
  auto parsed =
      parse_serve_options(std::vector<std::string>{"--config", file}, {{"HOME", "/home/u"}});
  if (const auto* const error = std::get_if<UsageError>(&parsed)) FAIL(error->message);
  return std::get<ServeOptions>(std::move(parsed));
}

ServeOptions defaults() {
  return std::get<ServeOptions>(parse_serve_options({}, {{"HOME", "/home/u"}}));
}

}  // namespace

TEST_CASE("config_template: has every setting once, and changes nothing") {
  const std::string text = config_template();
  for (const ServeSetting& setting : serve_settings()) {
    const std::string line = "\n#" + std::string(setting.name) + " = ";
    const std::size_t found = text.find(line);
    CAPTURE(setting.name);
    REQUIRE(found != std::string::npos);
    CHECK(text.find(line, found + 1) == std::string::npos);
  }
  CHECK(read(text) == defaults());
}

TEST_CASE("config_template: the defaults that it shows are the defaults") {
  std::istringstream lines(config_template());
  std::string uncommented;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= 100);
    const auto named = std::ranges::find_if(serve_settings(), [&](const ServeSetting& setting) {
      return line.starts_with("#" + std::string(setting.name) + " = ");
    });
    if (named == serve_settings().end() || named->default_text.empty()) continue;
    uncommented += line.substr(1) + "\n";
    ++count;
  }
  CHECK(count > 15);
  CHECK(read(uncommented) == defaults());
}

}  // namespace bide
