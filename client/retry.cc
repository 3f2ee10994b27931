#include "client/retry.h"

#include <algorithm>

namespace bide {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

WriteReply Retry::run(const Attempt& attempt,
                      const std::function<void(const Trouble&)>& on_trouble) {
  back_off_.reset();
  for (;;) {
    WriteReply reply = attempt(patience());
    const auto* const trouble = std::get_if<Trouble>(&reply);
    if (trouble == nullptr) return reply;
    if (on_trouble) on_trouble(*trouble);
    if (!pause(*trouble)) return reply;
  }
}

void Retry::set_deadline(TimePoint deadline) {
  MutexLock lock(mutex_);
  deadline_ = deadline;
  hurry_ = true;
  moved_.notify_all();
}

milliseconds Retry::patience() {
  MutexLock lock(mutex_);
  if (deadline_ == kEndOfTime) return kPatienceMax;
  const auto remaining = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now());
  return std::clamp(remaining, milliseconds(1), kPatienceMax);
}

// False: the deadline has passed.
bool Retry::pause(const Trouble& trouble) {
  const milliseconds wanted =
      std::max(back_off_.next_pause(), back_off_.stretched(trouble.retry_after));
  MutexLock lock(mutex_);
  const TimePoint begin = steady_clock::now();
  while (!hurry_) {
    // Half of what remains, so that a long pause never takes the last chance.
    const TimePoint end =
        deadline_ == kEndOfTime
            ? begin + wanted
            : begin + std::min<steady_clock::duration>(
                          wanted, std::max<steady_clock::duration>((deadline_ - begin) / 2,
                                                                   BackOff::kPauseMin));
    if (steady_clock::now() >= end) break;
    moved_.wait_until(mutex_, end);
  }
  if (hurry_) back_off_.reset();
  hurry_ = false;
  return steady_clock::now() < deadline_;
}

}  // namespace bide
