#include "bench/story/plot.h"

#include <algorithm>
#include <array>
#include <random>

namespace bench::story {

using load::Deed;

std::vector<Happening> plot_of(const Cast& cast) {
  std::mt19937_64 random(1);
  const std::chrono::nanoseconds duration = cast.duration;
  std::uniform_int_distribution<std::int64_t> within(0, duration.count() - 1);
  const auto some_time = [&] { return std::chrono::nanoseconds(within(random)); };
  std::vector<Happening> plot;
  for (std::uint32_t client = 0; client < cast.clients; ++client) {
    const auto [started, completed] = std::minmax({some_time(), some_time()});
    plot.push_back({.at = started, .job = client, .deed = Deed::kStarted});
    plot.push_back({.at = completed, .job = client, .deed = Deed::kCompleted});
  }
  // Without dashboards nobody would see it.
  const std::uint32_t agents = cast.dashboards > 0 ? cast.agents : 0;
  for (std::uint32_t agent = 0; agent < agents; ++agent) {
    std::array times = {some_time(), some_time(), some_time()};
    std::ranges::sort(times);
    constexpr std::array kDeeds = {Deed::kAcknowledged, Deed::kStarted, Deed::kCompleted};
    for (std::size_t i = 0; i < times.size(); ++i) {
      plot.push_back(
          {.at = times.at(i), .job = cast.clients, .agent = agent, .deed = kDeeds.at(i)});
    }
  }
  std::ranges::sort(plot, {}, &Happening::at);
  return plot;
}

}  // namespace bench::story
