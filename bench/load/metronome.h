// bench/load/metronome.h: Measures how late the client loop runs, a hundred times a second.
//
// A beat is late because the loop was busy with other answers, or the kernel ran another process.
// An answer that came in that moment waited as long, and that part of its latency is not the
// server's. Beats that were skipped altogether count as well, each with its own lateness.
//
// Thread safety: none; the client loop's.
#pragma once

#include <chrono>

#include "bench/kit/quantiles.h"

namespace bench::load {

class Metronome {
 public:
  static constexpr std::chrono::milliseconds kBeat{10};

  Metronome();
  ~Metronome();
  Metronome(const Metronome&) = delete;
  Metronome& operator=(const Metronome&) = delete;

  // Readable when a beat is due.
  [[nodiscard]] int fd() const { return fd_; }
  // Takes the beats that were due by `now`.
  void take(std::chrono::steady_clock::time_point now);
  // The measurements since the last call.
  [[nodiscard]] Quantiles take_lags();

 private:
  int fd_ = -1;
  std::chrono::steady_clock::time_point last_;  // When the beat taken last was due.
  Quantiles lags_;
};

}  // namespace bench::load
