#include "bench/load/schedule.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace bench::load {
namespace {

using std::chrono::nanoseconds;

class Steady {
 public:
  Steady(std::uint32_t clients, std::uint32_t rate, nanoseconds duration)
      : duration_(duration), times_(rate), order_(clients) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::shuffle(order_.begin(), order_.end(), random_);
    begin_second();
  }

  std::optional<Planned> next() {
    if (taken_ == times_.size()) {
      ++second_;
      begin_second();
    }
    const nanoseconds at = times_[taken_++];
    if (at >= duration_) return std::nullopt;
    if (position_ == order_.size()) begin_round();
    // Every round is one event of every client's job, so the round tells the job and the deed.
    return Planned{.at = at,
                   .job = {order_[position_++], round_ / kEventsPerJob},
                   .deed = static_cast<Deed>(1 + round_ % kEventsPerJob)};
  }

 private:
  // Given their number, the events of a Poisson process are independent and uniform.
  void begin_second() {
    constexpr nanoseconds kSecond = std::chrono::seconds(1);
    std::uniform_int_distribution<std::int64_t> within(0, kSecond.count() - 1);
    for (nanoseconds& time : times_) time = second_ + nanoseconds(within(random_));
    std::ranges::sort(times_);
    taken_ = 0;
  }

  void begin_round() {
    std::shuffle(order_.begin(), order_.end(), random_);
    position_ = 0;
    ++round_;
  }

  const nanoseconds duration_;
  std::mt19937_64 random_{1};
  std::vector<nanoseconds> times_;  // Of this second, ascending.
  std::size_t taken_ = 0;           // Of them.
  std::chrono::seconds second_{0};
  std::vector<std::uint32_t> order_;  // Of the clients, in this round.
  std::size_t position_ = 0;          // In it.
  std::uint32_t round_ = 0;
};

}  // namespace

Schedule steady_schedule(std::uint32_t clients, std::uint32_t rate, nanoseconds duration) {
  return [steady = std::make_shared<Steady>(clients, rate, duration)] { return steady->next(); };
}

Schedule story_schedule(const Audience& audience, nanoseconds duration) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> within(0, duration.count() - 1);
  const auto some_time = [&] { return nanoseconds(within(random)); };
  std::vector<Planned> plan;
  for (std::uint32_t client = 0; client < audience.clients; ++client) {
    const auto [started, completed] = std::minmax({some_time(), some_time()});
    plan.push_back({.at = started, .job = {.client = client}, .deed = Deed::kStarted});
    plan.push_back({.at = completed, .job = {.client = client}, .deed = Deed::kCompleted});
  }
  // Without dashboards nobody would see it.
  const std::uint32_t agents = audience.dashboards > 0 ? audience.agents : 0;
  for (std::uint32_t agent = 0; agent < agents; ++agent) {
    std::array times = {some_time(), some_time(), some_time()};
    std::ranges::sort(times);
    for (std::size_t i = 0; i < times.size(); ++i) {
      plan.push_back({.at = times.at(i),
                      .job = audience.broadcast(),
                      .agent = agent,
                      .deed = static_cast<Deed>(1 + i)});
    }
  }
  std::ranges::sort(plan, {}, &Planned::at);
  return [plan = std::move(plan), next = std::size_t{0}]() mutable -> std::optional<Planned> {
    return next < plan.size() ? std::optional(plan[next++]) : std::nullopt;
  };
}

}  // namespace bench::load
