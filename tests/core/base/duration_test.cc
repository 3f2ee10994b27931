#include "core/base/duration.h"

#include <doctest/doctest.h>

#include <ostream>
using namespace bide;
using namespace std::chrono_literals;

TEST_CASE("duration: people's notations are understood") {
  struct Row {
    std::string_view text;
    std::chrono::milliseconds value;
  };
  const Row rows[] = {
      {"0", 0ms},         {"0s", 0ms},         {"30", 30s},
      {"30s", 30s},       {"500ms", 500ms},    {"1m30s", 90s},
      {"1h", 1h},         {"1h5ms", 1h + 5ms}, {"1h2m3s4ms", 1h + 2min + 3s + 4ms},
      {"1.5s", 1500ms},   {"1.5", 1500ms},     {"0.25s", 250ms},
      {"1.005s", 1005ms}, {"1.5h", 90min},     {"1m0.5s", 60500ms},
      {"1.9ms", 1ms},     {"007s", 7s},        {"0.001h", 3600ms},
      {"90m", 90min},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_duration(row.text) == row.value);
  }
}

TEST_CASE("duration: anything else is refused") {
  const std::string_view rows[] = {
      "",          " ",     "s",    "-1s",  "+1s",     "1 s",     " 1s",   "1s ",   "1S",
      "1d",        "1us",   "1.s",  ".5s",  "1.2345s", "1.5m30s", "1m30",  "30s1m", "1s1s",
      "1ms1s",     "1e3",   "0x10", "1,5s", "1.5.5s",  "--1",     "1m-1s", "nan",   "inf",
      "\xC2\xB5s", "1m 1s", "1.",   ".",    "ms",      "1msm",
  };
  for (const std::string_view row : rows) {
    CAPTURE(row);
    CHECK_FALSE(parse_duration(row));
  }
  CHECK_FALSE(parse_duration(std::string_view("1\0s", 3)));
}

TEST_CASE("duration: too long is capped, in value and in text") {
  CHECK(parse_duration("8760h") == kDurationMax);
  CHECK(parse_duration("8761h") == kDurationMax);
  CHECK(parse_duration("8759h59m59s999ms") == kDurationMax - 1ms);
  CHECK(parse_duration(std::string(31, '9') + "s") == kDurationMax);
  CHECK(parse_duration("9999999999999h9999999999999m99s") == kDurationMax);
  CHECK(parse_duration(std::string(31, '0') + "1") == 1s);
  CHECK_FALSE(parse_duration(std::string(32, '0') + "1"));
}

TEST_CASE("duration: every truncation and mutation ends sanely") {
  const std::string text = "1h2m3s456ms";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto value = parse_duration(text.substr(0, size));
    CHECK(value.value_or(0ms) <= 1h + 2min + 456s);
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string mutated = text;
      mutated[at] = static_cast<char>(byte);
      const auto value = parse_duration(mutated);
      CHECK(value.value_or(0ms) <= kDurationMax);
      CHECK(value.value_or(0ms) >= 0ms);
    }
  }
}

TEST_CASE("duration: is written as Go writes it") {
  struct Row {
    std::chrono::nanoseconds value;
    std::string_view text;
  };
  const Row rows[] = {
      {0ns, "0s"},
      {1ns, "1ns"},
      {999ns, "999ns"},
      {1us, "1µs"},
      {1100ns, "1.1µs"},
      {999'999ns, "999.999µs"},
      {150ms, "150ms"},
      {2'200'001ns, "2.200001ms"},
      {1s, "1s"},
      {1500ms, "1.5s"},
      {1s + 1ns, "1.000000001s"},
      {1min, "1m0s"},
      {2min + 250ms, "2m0.25s"},
      {1h, "1h0m0s"},
      {1h + 1ms, "1h0m0.001s"},
      {100h + 59min + 59s, "100h59m59s"},
      {-1500ms, "-1.5s"},
      {-1ns, "-1ns"},
      {std::chrono::nanoseconds::max(), "2562047h47m16.854775807s"},
      {std::chrono::nanoseconds::min(), "-2562047h47m16.854775808s"},
  };
  for (const Row& row : rows) CHECK(format_duration(row.value) == row.text);
}
