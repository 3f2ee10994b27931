// bench/story/crowd.h: Clients that follow their jobs by one road, on a thread of their own: what
// the dashboards have to read does not hold up those who wait for a job.
//
// Thread safety: the main thread's; is_ready() and is_over() look at what the crowd's thread does.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "bench/load/client_loop.h"
#include "bench/story/ledger.h"

namespace bench::story {

class Crowd {
 public:
  // The arguments outlive it.
  Crowd(std::string name, Ledger& ledger, const Address& address, const load::Road& road,
        const std::string& fields);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Starts the thread; the clients connect and ask.
  void start();
  // Every client has had its job's state.
  [[nodiscard]] bool is_ready() const { return ready_; }
  // What comes from now on is the measurement, and its ticks count from `begin`. Once.
  void begin_counting(TimePoint begin) { begin_ = begin; }
  // Every client has had its job's last state.
  [[nodiscard]] bool is_over() const { return ledger_.everybody_left(); }
  // Ends the thread. What follows is for after that.
  void stop();

  static constexpr std::chrono::milliseconds kTick{100};
  // Requests up to the end of each tick.
  [[nodiscard]] const std::vector<std::uint64_t>& requests_by_tick() const { return by_tick_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const load::Counts& counts() const { return loop_.traffic().counts; }
  // States that a client was sent and had already, counted as counts() are.
  [[nodiscard]] std::uint64_t duplicates() const {
    return loop_.traffic().duplicates - duplicates_before_;
  }
  [[nodiscard]] Quantiles take_lags() { return loop_.take_lags(); }

 private:
  void run();
  void tick();

  const std::string name_;
  Ledger& ledger_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<TimePoint> begin_{TimePoint::max()};
  // The thread's, while it runs.
  load::ClientLoop loop_;
  bool counting_ = false;
  std::uint64_t duplicates_before_ = 0;  // The counting.
  std::vector<std::uint64_t> by_tick_;
  std::thread thread_;
};

}  // namespace bench::story
