// client/back_off.h: How long to stay away after trouble.
//
// Thread safety: none; one per job.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace bide {

// Each pause is drawn from [span / 2, span], and span doubles: 200 ms, 400 ms … 5 s. Drawing at
// random keeps the clients of a server that restarts from coming back together.
class BackOff {
 public:
  static constexpr std::chrono::milliseconds kPauseMin{100};
  static constexpr std::chrono::milliseconds kPauseMax{5000};

  explicit BackOff(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] std::chrono::milliseconds next_pause();
  // `asked` (the server's Retry-After) and up to a quarter more.
  [[nodiscard]] std::chrono::milliseconds stretched(std::chrono::milliseconds asked);
  // All is well again.
  void reset() { span_ = 2 * kPauseMin; }

 private:
  std::chrono::milliseconds between(std::chrono::milliseconds low, std::chrono::milliseconds high);

  std::mt19937 random_;
  std::chrono::milliseconds span_ = 2 * kPauseMin;
};

}  // namespace bide
