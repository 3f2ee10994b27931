// core/parking_places.h: How many requests may be parked, over all lots of a table.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <atomic>
#include <cstddef>

namespace bide {

class ParkingPlaces {
 public:
  explicit ParkingPlaces(std::size_t places_max) : places_max_(places_max) {}
  [[nodiscard]] bool try_take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < places_max_) return true;
    give_back();
    return false;
  }
  void give_back() { taken_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const std::size_t places_max_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace bide
