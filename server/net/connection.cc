#include "server/net/connection.h"

namespace bide {
namespace {

// The word of server/net/connection.h. News are kept as they are, one bit further up.
constexpr std::uint64_t kOwned = 1;
constexpr unsigned kNewsShift = 1;
constexpr std::uint64_t kNewsMask = 15ULL << kNewsShift;
constexpr std::uint64_t kParked = 1 << 5;
constexpr std::uint64_t kHalfClosed = 1 << 6;
constexpr std::uint64_t kListens = 1 << 7;
// For a connection that is at rest and not parked, the two bits above mean:
constexpr std::uint64_t kIdle = kHalfClosed;
constexpr std::uint64_t kShaking = kListens;
constexpr std::uint64_t kFlags = 0xFF;
constexpr unsigned kTurnShift = 8;
constexpr unsigned kLifeShift = 40;

std::uint64_t bits_of(Connection::News news) { return std::uint64_t{news} << kNewsShift; }
Connection::News news_of(std::uint64_t state) {
  return static_cast<Connection::News>((state & kNewsMask) >> kNewsShift);
}
std::uint64_t ticket_of(std::uint64_t state) { return state & ~kFlags; }
std::uint32_t life_of(std::uint64_t state) {
  return static_cast<std::uint32_t>(state >> kLifeShift);
}

// The part of the news that cannot wait while the connection is parked, by the flags of `state`. A
// held client can only give up. If it has sent a FIN before, every later event reports the FIN
// again.
Connection::News urgent(Connection::News news, std::uint64_t state) {
  if ((state & kListens) != 0) return news;
  const bool half_closed = (state & kHalfClosed) != 0;
  return static_cast<Connection::News>(
      news & (half_closed ? Connection::kReset : Connection::kReset | Connection::kFin));
}

// The next turn of the same life, without flags.
std::uint64_t next_turn(std::uint64_t state) {
  const auto turn = static_cast<std::uint32_t>(state >> kTurnShift) + 1;
  return std::uint64_t{life_of(state)} << kLifeShift | std::uint64_t{turn} << kTurnShift;
}

}  // namespace

Reaping reaping_of(TimePoint when) {
  using std::chrono::milliseconds;
  const auto ms = std::chrono::ceil<milliseconds>(when.time_since_epoch()).count();
  return Reaping{static_cast<std::uint32_t>(ms)};
}

bool Connection::claim(Ticket ticket) noexcept {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  while (ticket_of(state) == ticket && (state & kOwned) == 0) {
    const std::uint64_t owned = (state | kOwned) & ~(kParked | kHalfClosed | kListens);
    if (state_.compare_exchange_weak(state, owned, std::memory_order_acq_rel)) return true;
  }
  return false;
}

std::optional<Connection::Ticket> Connection::idle_ticket() const noexcept {
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  if ((state & (kOwned | kParked)) != 0) return std::nullopt;
  return ticket_of(state);
}

std::uint32_t Connection::life() const noexcept {
  return life_of(state_.load(std::memory_order_acquire));
}

bool Connection::present(std::uint64_t ticket) const noexcept {
  const std::uint64_t state = state_.load(std::memory_order_acquire);
  return ticket_of(state) == ticket && (state & kOwned) == 0;
}

bool Connection::on_events(std::uint32_t life, News news) noexcept {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  while (life_of(state) == life) {
    const bool held = (state & kParked) != 0 && urgent(news, state) == kNone;
    const bool mine = (state & kOwned) == 0 && !held;
    const std::uint64_t next =
        mine ? (state | kOwned) & ~(kNewsMask | kParked | kHalfClosed | kListens)
             : state | bits_of(news);
    if (state_.compare_exchange_weak(state, next, std::memory_order_acq_rel)) return mine;
  }
  return false;
}

Connection::Standing Connection::standing() const noexcept {
  const std::uint64_t state = state_.load(std::memory_order_relaxed);
  if ((state & kOwned) != 0) return Standing::kOwned;
  if ((state & kParked) != 0) return Standing::kParked;
  if ((state & kIdle) != 0) return Standing::kIdle;
  return (state & kShaking) != 0 ? Standing::kShaking : Standing::kAtRest;
}

std::size_t Connection::kept_bytes() const noexcept {
  const Stream* const stream = exchange.stream();
  return (session != nullptr ? session->kept_bytes() : 0) +
         (tls != nullptr ? tls->kept_bytes() : 0) + (stream != nullptr ? stream->kept_bytes() : 0);
}

void Connection::note(News news) noexcept {
  state_.fetch_or(bits_of(news), std::memory_order_relaxed);
}

Connection::News Connection::rest() noexcept {
  std::uint64_t kind = 0;
  const bool busy = session != nullptr && session->busy();
  if (phase == Phase::kReading && !busy && kept_bytes() == 0) kind = kIdle;
  if (phase == Phase::kShaking) kind = tls == nullptr ? kIdle : kShaking;
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  while (!state_.compare_exchange_weak(state, next_turn(state) | kind, std::memory_order_acq_rel)) {
  }
  return news_of(state);
}

Connection::Parked Connection::rest_parked() noexcept {
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  const Stream* const stream = exchange.stream();
  const bool listens = (stream != nullptr && stream->listens()) ||
                       (tls != nullptr && !half_closed && tls->drained());
  const std::uint64_t flags = kParked | (half_closed ? kHalfClosed : 0) | (listens ? kListens : 0);
  exchange.set_ticket(ticket_of(next_turn(state)));  // Before ownership is given up.
  do {
    next = next_turn(state) | (state & kNewsMask) | flags;
  } while (!state_.compare_exchange_weak(state, next, std::memory_order_acq_rel));
  return {ticket_of(next), urgent(news_of(next), next)};
}

void Connection::end_life() noexcept {
  const std::uint64_t state = state_.load(std::memory_order_relaxed);
  state_.store((std::uint64_t{life_of(state)} + 1) << kLifeShift | kOwned,
               std::memory_order_release);
}

}  // namespace bide
