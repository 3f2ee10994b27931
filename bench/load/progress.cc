#include "bench/load/progress.h"

#include <unistd.h>

#include <cstdio>
#include <numeric>
#include <utility>

namespace bench::load {
namespace {

using namespace std::chrono_literals;

std::uint64_t all_of(const std::array<std::uint64_t, kTroubles>& troubles) {
  return std::accumulate(troubles.begin(), troubles.end(), std::uint64_t{0});
}

}  // namespace

Progress::Progress(TimePoint begin)
    : terminal_(::isatty(STDERR_FILENO) == 1),
      interval_(terminal_ ? 1s : 5s),
      begin_(begin),
      next_(begin + interval_),
      last_(begin) {}

Progress::~Progress() {
  if (line_is_open_) std::fputc('\n', stderr);
}

void Progress::update(const Traffic& traffic, Book& book) {
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ += interval_;
  const double seconds = std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  const std::uint64_t requests = traffic.counts.requests;
  const std::uint64_t events = book.events();
  Quantiles recent = book.take_recent();
  std::fprintf(stderr,
               "%s%4.0f s | parked %zu | requests/s %.0f | events/s %.0f | p50 %.2f p99 %.2f ms | "
               "unseen %llu | troubles %llu%s",
               terminal_ ? "\r\033[K" : "", std::chrono::duration<double>(now - begin_).count(),
               traffic.under_way,
               static_cast<double>(requests - std::exchange(requests_before_, requests)) / seconds,
               static_cast<double>(events - std::exchange(events_before_, events)) / seconds,
               recent.ms(0.5), recent.ms(0.99), static_cast<unsigned long long>(book.unseen()),
               static_cast<unsigned long long>(all_of(traffic.counts.troubles)),
               terminal_ ? "" : "\n");
  std::fflush(stderr);
  line_is_open_ = terminal_;
}

}  // namespace bench::load
