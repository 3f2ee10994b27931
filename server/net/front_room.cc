// The part of server/net/front.h that ends connections to make room for others, and all of them
// when the server stops.
#include <algorithm>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

#include "server/net/front.h"
#include "server/net/protocol.h"

namespace bide {

template <typename End>
std::size_t Front::end_oldest(Connection::Standing standing, std::size_t most, Reaping by,
                              End&& end) {
  struct Candidate {
    Reaping expires;
    Connection* connection;
    Connection::Ticket ticket;
  };
  std::vector<Candidate> candidates;
  try {
    for (std::uint32_t i = 0; i < slots_.end(); ++i) {
      Connection& connection = slots_.at(i);
      if (connection.standing() != standing) continue;
      // The ticket first, as in Reaper::look_at().
      const auto ticket = connection.idle_ticket();
      const Reaping expires = connection.expires.load(std::memory_order_relaxed);
      if (ticket && !is_before(by, expires)) candidates.push_back({expires, &connection, *ticket});
    }
  } catch (const std::bad_alloc&) {
    // Chooses the oldest of those that were found.
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return is_before(a.expires, b.expires); });
  std::size_t ended = 0;
  for (const Candidate& candidate : candidates) {
    if (ended == most) break;
    if (candidate.connection->claim(candidate.ticket) && end(*candidate.connection)) ++ended;
  }
  return ended;
}

bool Front::make_room() {
  constexpr std::size_t kAtOnce = 16;  // Saves looking at all connections for each new one.
  const auto end = [this](Connection& connection) {
    bool ended = true;
    guarded(connection, [&] {
      // Input that came meanwhile is the next request.
      ended = connection.look_ahead() != Connection::Ahead::kInput && connection.kept_bytes() == 0;
      if (ended) {
        count(metrics_.connections_evicted);
        return close(connection);
      }
      connection.note(Connection::kInput);
      rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
    });
    return ended;
  };
  const Reaping any = reaping_of(clock_.now() + 2 * limits_.idle);
  return end_oldest(Connection::Standing::kIdle, kAtOnce, any, end) > 0;
}

// Makes room for waiting handshakes: ends those that have not been finished within
// handshake_under_pressure.
void Front::on_tick() {
  if (tls_ == nullptr) return;
  if (handshakes_.is_full()) {
    const TimePoint begun = clock_.now() - limits_.handshake_under_pressure;
    end_oldest(Connection::Standing::kShaking, SIZE_MAX, reaping_of(begun + limits_.head),
               [this](Connection& connection) {
                 guarded(connection, [&] { on_expired(connection); });
                 return true;
               });
  }
  for (std::size_t room = handshakes_.room(); room > 0; --room) {
    const auto key = handshakes_.next();
    if (!key) break;
    look_again(*key, Connection::kInput);
  }
}

void Front::drain(std::chrono::milliseconds patience) {
  begin_leaving();
  draining_.store(true, std::memory_order_release);
  http1_->drain();  // The table is one for all protocols.
  const TimePoint begin = clock_.now();
  const TimePoint end = begin + patience;
  bool for_good = false;
  while (connections() > 0 && clock_.now() < end) {
    // Those that were being served may come to rest at any time.
    for_good = for_good || clock_.now() >= begin + kLastCall;
    for (std::uint32_t i = 0; i < slots_.end(); ++i) say_goodbye(slots_.at(i), for_good);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void Front::begin_leaving() {
  leaving_.store(true, std::memory_order_release);
  for (std::uint32_t i = 0; i < slots_.end(); ++i) {
    Connection& connection = slots_.at(i);
    const auto ticket = connection.idle_ticket();
    if (!ticket || !connection.claim(*ticket)) continue;
    guarded(connection, [&] {
      if (connection.http2) connection.note(Connection::kAnswers);
      rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
    });
  }
}

void Front::say_goodbye(Connection& connection, bool for_good) {
  const auto ticket = connection.idle_ticket();
  if (!ticket || !connection.claim(*ticket)) return;
  guarded(connection, [&] {
    if (connection.phase == Connection::Phase::kReading) {
      return protocol_of(connection).say_goodbye(connection, for_good);
    }
    if (connection.phase == Connection::Phase::kShaking && for_good) return half_close(connection);
    rest(connection, connection.phase, connection.expires.load(std::memory_order_relaxed));
  });
}

}  // namespace bide
