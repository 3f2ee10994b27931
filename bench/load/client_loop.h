// bench/load/client_loop.h: All clients on one thread: epoll, alarms, and how late the loop runs.
//
// Thread safety: none; one thread's.
#pragma once

#include <deque>
#include <string>

#include "bench/load/alarms.h"
#include "bench/load/client.h"
#include "bench/load/metronome.h"

namespace bench::load {

class ClientLoop {
 public:
  // `first`: the number that the book knows the first of them by. `fields`: as Question::fields.
  // All arguments outlive the loop.
  ClientLoop(std::uint32_t first, std::size_t clients, const Address& address, const Road& road,
             std::string fields, Book& book);
  ~ClientLoop();
  ClientLoop(const ClientLoop&) = delete;
  ClientLoop& operator=(const ClientLoop&) = delete;

  // Does what is due, blocks for the next thing to do, at most a beat of the metronome, and does
  // that. The first calls let the clients begin, some at a time.
  void turn();
  [[nodiscard]] bool all_ready() const { return world_.traffic.clients_ready == clients_.size(); }
  [[nodiscard]] const Traffic& traffic() const { return world_.traffic; }
  // How late the loop ran since the last call.
  [[nodiscard]] Quantiles take_lags() { return metronome_.take_lags(); }
  // Drops what came before, while all connected: it is not part of the measurement.
  void begin_counting();

 private:
  void begin_some();
  void ring_alarms();
  [[nodiscard]] int timeout_ms() const;

  World world_;
  std::deque<Client> clients_;  // Not a vector: they stay where they are.
  Alarms alarms_;
  Metronome metronome_;
  std::size_t begun_ = 0;
};

}  // namespace bench::load
