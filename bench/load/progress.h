// bench/load/progress.h: A line on stderr about the last second, while the run goes on.
//
// On a terminal one line that is written over; elsewhere a new one every five seconds, for a log.
//
// Thread safety: none; the main thread's.
#pragma once

#include <chrono>

#include "bench/load/book.h"
#include "bench/load/traffic.h"

namespace bench::load {

class Progress {
 public:
  explicit Progress(TimePoint begin);
  ~Progress();  // Leaves the line.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Prints if it is time to.
  void update(const Traffic& traffic, Book& book);

 private:
  const bool terminal_;
  const std::chrono::seconds interval_;
  const TimePoint begin_;
  TimePoint next_;
  TimePoint last_;
  std::uint64_t requests_before_ = 0;
  std::uint64_t events_before_ = 0;
  bool line_is_open_ = false;
};

}  // namespace bench::load
