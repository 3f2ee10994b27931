// client/back_off.h: How long to pause after a failed request.
//
// Thread safety: none; one per job.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace bide {

// Each pause is a random time in [span / 2, span], and the span doubles: 200 ms, 400 ms … 5 s. The
// random part keeps all clients of a restarted server from coming back at the same moment.
class BackOff {
 public:
  static constexpr std::chrono::milliseconds kPauseMin{100};
  static constexpr std::chrono::milliseconds kPauseMax{5000};

  explicit BackOff(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] std::chrono::milliseconds next_pause();
  // A random time from `asked` (the server's Retry-After) to a quarter more.
  [[nodiscard]] std::chrono::milliseconds stretched(std::chrono::milliseconds asked);
  // A request has succeeded: the span starts again.
  void reset() { span_ = 2 * kPauseMin; }

 private:
  std::chrono::milliseconds between(std::chrono::milliseconds low, std::chrono::milliseconds high);

  std::mt19937 random_;
  std::chrono::milliseconds span_ = 2 * kPauseMin;
};

}  // namespace bide
