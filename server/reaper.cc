#include "server/reaper.h"

#include <utility>

namespace bide {

Reaper::Reaper(Clock& clock, ConnectionSlots& slots, std::function<void(Connection&)> on_expired)
    : clock_(clock), slots_(slots), on_expired_(std::move(on_expired)) {}

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

std::int64_t Reaper::mark(TimePoint when) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

void Reaper::work() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      const TimePoint next = clock_.now() + std::chrono::seconds(1);
      while (!stopped_ && clock_.now() < next) clock_.wait_until(wake_, mutex_, next);
      if (stopped_) return;
    }
    const std::int64_t now = mark(clock_.now());
    for (std::uint32_t i = 0; i < slots_.end(); ++i) look_at(slots_.at(i), now);
  }
}

// The ticket first: whoever uses the connection after that makes it void, and with it the time.
void Reaper::look_at(Connection& connection, std::int64_t now) {
  const std::optional<Connection::Ticket> ticket = connection.idle_ticket();
  if (!ticket || connection.expires_ms.load(std::memory_order_relaxed) > now) return;
  if (connection.claim(*ticket)) on_expired_(connection);
}

}  // namespace bide
