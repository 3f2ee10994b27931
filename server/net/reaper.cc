#include "server/net/reaper.h"

#include <utility>

namespace bide {

Reaper::Reaper(Clock& clock, ConnectionSlots& slots, std::function<void(Connection&)> on_expired,
               std::function<void()> on_tick)
    : clock_(clock),
      slots_(slots),
      on_expired_(std::move(on_expired)),
      on_tick_(std::move(on_tick)) {}

Reaper::~Reaper() { stop(); }

void Reaper::start() {
  thread_ = std::thread([this] { work(); });
}

void Reaper::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Reaper::work() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      const TimePoint next = clock_.now() + std::chrono::seconds(1);
      while (!stopped_ && clock_.now() < next) clock_.wait_until(wake_, mutex_, next);
      if (stopped_) return;
    }
    on_tick_();
    const Reaping now = reaping_of(clock_.now());
    for (std::uint32_t i = 0; i < slots_.end(); ++i) look_at(slots_.at(i), now);
  }
}

// Reads the ticket before the time. If a thread uses the connection after that, the ticket is void,
// and so is the time that was read.
void Reaper::look_at(Connection& connection, Reaping now) {
  const std::optional<Connection::Ticket> ticket = connection.idle_ticket();
  if (!ticket || !is_before(connection.expires.load(std::memory_order_relaxed), now)) return;
  if (connection.claim(*ticket)) on_expired_(connection);
}

}  // namespace bide
