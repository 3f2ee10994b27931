#include "bench/load/metronome.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <utility>

#include "bench/kit/address.h"

namespace bench::load {
namespace {

timespec to_timespec(std::chrono::nanoseconds duration) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {.tv_sec = duration.count() / kSecond, .tv_nsec = duration.count() % kSecond};
}

}  // namespace

// steady_clock is CLOCK_MONOTONIC, so an absolute first beat says when all others are due.
Metronome::Metronome() : last_(std::chrono::steady_clock::now()) {
  fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec beats{.it_interval = to_timespec(kBeat),
                         .it_value = to_timespec((last_ + kBeat).time_since_epoch())};
  if (fd_ < 0 || ::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &beats, nullptr) != 0) die("no timer");
}

Metronome::~Metronome() { ::close(fd_); }

void Metronome::take(std::chrono::steady_clock::time_point now) {
  std::uint64_t beats = 0;
  if (::read(fd_, &beats, sizeof beats) != sizeof beats) return;
  for (; beats > 0; --beats) {
    last_ += kBeat;
    lags_.add(now - last_);
  }
}

Quantiles Metronome::take_lags() { return std::exchange(lags_, Quantiles()); }

}  // namespace bench::load
