#include "bench/story/crowd.h"

#include <utility>

namespace bench::story {

Crowd::Crowd(std::string name, Ledger& ledger, const Address& address, const load::Road& road,
             const std::string& fields)
    : name_(std::move(name)),
      ledger_(ledger),
      loop_(ledger.clients(), address, road, fields, ledger) {}

Crowd::~Crowd() { stop(); }

void Crowd::start() {
  thread_ = std::thread([this] { run(); });
}

void Crowd::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Crowd::run() {
  while (!stopping_) {
    loop_.turn();
    if (loop_.all_ready()) ready_ = true;
    tick();
  }
}

void Crowd::tick() {
  const TimePoint begin = begin_;
  const TimePoint now = std::chrono::steady_clock::now();
  if (now < begin) return;
  if (!std::exchange(counting_, true)) {
    loop_.begin_counting();
    duplicates_before_ = loop_.traffic().duplicates;
  }
  while (begin + kTick * (by_tick_.size() + 1) <= now) by_tick_.push_back(counts().requests);
}

}  // namespace bench::story
