// bench/load/crowd.h: The clients with a job each, or the dashboards: a loop, on the caller's
// thread or on one of its own. So the large answers of the dashboards do not delay clients that
// wait for a job.
//
// Thread safety: one thread's; is_ready() and begin_counting() may be called from another.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "bench/load/client_loop.h"

namespace bench::load {

class Crowd {
 public:
  // As ClientLoop's.
  Crowd(std::uint32_t first, std::size_t clients, const Address& address, const Road& road,
        const std::string& fields, Book& book);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Calls turn() from a thread of its own, until stop().
  void start();
  void stop();
  // As ClientLoop's. The clients connect and ask.
  void turn();
  // Every client has had its job's state.
  [[nodiscard]] bool is_ready() const { return ready_; }
  // From now on it measures; ticks count from `begin`. Call it once.
  void begin_counting(TimePoint begin) { begin_ = begin; }

  static constexpr std::chrono::milliseconds kTick{100};
  // After stop(), or on the thread that turns.
  [[nodiscard]] std::size_t clients() const { return clients_; }
  [[nodiscard]] const Traffic& traffic() const { return loop_.traffic(); }
  // Requests up to the end of each tick.
  [[nodiscard]] const std::vector<std::uint64_t>& requests_by_tick() const { return by_tick_; }
  [[nodiscard]] Quantiles take_lags() { return loop_.take_lags(); }

 private:
  void tick();

  const std::size_t clients_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<TimePoint> begin_{TimePoint::max()};
  ClientLoop loop_;
  bool counting_ = false;
  std::vector<std::uint64_t> by_tick_;
  std::thread thread_;
};

}  // namespace bench::load
