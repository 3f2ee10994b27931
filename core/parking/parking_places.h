// core/parking/parking_places.h: Limits how many requests may be parked in a table. A request takes
// one place, or several if it costs more to hold: a set of jobs takes one for each job.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bide {

class ParkingPlaces {
 public:
  explicit ParkingPlaces(std::size_t places_max) : places_max_(places_max) {}
  [[nodiscard]] bool try_take(std::uint32_t places = 1) {
    const std::uint64_t before = taken_.fetch_add(one_with(places), std::memory_order_relaxed);
    if (places_in(before) + places <= places_max_) return true;
    give_back(places);
    return false;
  }
  void give_back(std::uint32_t places = 1) {
    taken_.fetch_sub(one_with(places), std::memory_order_relaxed);
  }
  // Parked requests, each counted once.
  [[nodiscard]] std::size_t requests() const {
    return taken_.load(std::memory_order_relaxed) >> kRequestsShift;
  }
  [[nodiscard]] std::size_t taken() const {
    return places_in(taken_.load(std::memory_order_relaxed));
  }

 private:
  // Both counts in one word, changed at once: requests in the upper half, places in the lower.
  static constexpr unsigned kRequestsShift = 32;
  static std::uint64_t one_with(std::uint32_t places) {
    return (std::uint64_t{1} << kRequestsShift) + places;
  }
  static std::size_t places_in(std::uint64_t taken) { return static_cast<std::uint32_t>(taken); }

  const std::size_t places_max_;
  std::atomic<std::uint64_t> taken_{0};
};

}  // namespace bide
