// bench/story/options.h: What bide-story was asked for.
//
// Thread safety: values and pure functions.
#pragma once

#include <span>
#include <string>

#include "bench/load/road.h"
#include "bench/story/plot.h"

namespace bench::story {

struct Options {
  std::string server;
  std::string nats_url;
  std::string bucket = "job-queue";
  std::string road = "long-poll";
  load::RoadTimes times{.every = std::chrono::seconds(2), .wait = std::chrono::seconds(25)};
  Cast cast;
};

// Dies with what was expected.
[[nodiscard]] Options read_options(std::span<char* const> arguments);

}  // namespace bench::story
