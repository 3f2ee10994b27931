#include "bench/load/alarms.h"

#include <algorithm>
#include <utility>

namespace bench::load {
namespace {

constexpr auto kLater = [](const auto& a, const auto& b) { return a.at > b.at; };

}  // namespace

void Alarms::set(std::uint32_t client, TimePoint at) {
  wanted_[client] = at;
  if (at < queued_[client]) queue(client, at);
}

void Alarms::queue(std::uint32_t client, TimePoint at) {
  queued_[client] = at;
  heap_.push_back({at, client});
  std::ranges::push_heap(heap_, kLater);
}

std::optional<std::uint32_t> Alarms::take_due(TimePoint now) {
  while (!heap_.empty() && heap_.front().at <= now) {
    const auto [at, client] = heap_.front();
    std::ranges::pop_heap(heap_, kLater);
    heap_.pop_back();
    if (at != queued_[client]) continue;
    queued_[client] = TimePoint::max();
    if (wanted_[client] <= now) {
      wanted_[client] = TimePoint::max();
      return client;
    }
    if (wanted_[client] != TimePoint::max()) queue(client, wanted_[client]);
  }
  return std::nullopt;
}

}  // namespace bench::load
