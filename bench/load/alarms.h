// bench/load/alarms.h: When each client has to be woken: one time for each client.
//
// Most times are pushed back before they come (a held request's patience, with every answer). So
// the heap keeps one place for each client, and corrects it when it comes to the top, instead of
// one place for each answer.
//
// Thread safety: none; the client loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace bench::load {

class Alarms {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Alarms(std::size_t clients)
      : wanted_(clients, TimePoint::max()), queued_(clients, TimePoint::max()) {}

  // Replaces the client's time. TimePoint::max(): never.
  void set(std::uint32_t client, TimePoint at);
  // A client whose time has come; it has none until the next set(). nullopt: nobody's.
  [[nodiscard]] std::optional<std::uint32_t> take_due(TimePoint now);
  // Not later than the earliest time.
  [[nodiscard]] TimePoint next() const {
    return heap_.empty() ? TimePoint::max() : heap_.front().at;
  }

 private:
  struct Place {
    TimePoint at;
    std::uint32_t client;
  };
  void queue(std::uint32_t client, TimePoint at);

  std::vector<TimePoint> wanted_;  // By client.
  std::vector<TimePoint> queued_;  // Its earliest place in the heap; later ones are void.
  std::vector<Place> heap_;
};

}  // namespace bench::load
