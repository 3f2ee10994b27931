#include "bench/load/crowd.h"

#include <utility>

namespace bench::load {

Crowd::Crowd(std::uint32_t first, std::size_t clients, const Address& address, const Road& road,
             const std::string& fields, Book& book)
    : clients_(clients), loop_(first, clients, address, road, fields, book) {}

Crowd::~Crowd() { stop(); }

void Crowd::start() {
  thread_ = std::thread([this] {
    while (!stopping_) turn();
  });
}

void Crowd::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Crowd::turn() {
  loop_.turn();
  if (loop_.all_ready()) ready_ = true;
  tick();
}

void Crowd::tick() {
  const TimePoint begin = begin_;
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < begin) return;
  if (!std::exchange(counting_, true)) loop_.begin_counting();
  while (begin + kTick * (by_tick_.size() + 1) <= now) {
    by_tick_.push_back(traffic().counts.requests);
  }
}

}  // namespace bench::load
