#include "bench/load/schedule.h"

#include <algorithm>
#include <numeric>

namespace bench::load {

using std::chrono::nanoseconds;

Schedule::Schedule(std::size_t clients, std::uint32_t rate, nanoseconds duration)
    : duration_(duration), times_(rate), order_(clients) {
  std::iota(order_.begin(), order_.end(), 0U);
  std::shuffle(order_.begin(), order_.end(), random_);
  begin_second();
}

std::optional<Planned> Schedule::next() {
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

// Given their number, the events of a Poisson process are independent and uniform.
void Schedule::begin_second() {
  constexpr nanoseconds kSecond = std::chrono::seconds(1);
  std::uniform_int_distribution<std::int64_t> within(0, kSecond.count() - 1);
  for (nanoseconds& time : times_) time = second_ + nanoseconds(within(random_));
  std::ranges::sort(times_);
  taken_ = 0;
}

void Schedule::begin_round() {
  std::shuffle(order_.begin(), order_.end(), random_);
  position_ = 0;
  ++round_;
}

}  // namespace bench::load
