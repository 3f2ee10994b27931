// bench/load/traffic.h: Counts of what went over the wire.
//
// Thread safety: none; the client loop's.
#pragma once

#include <array>
#include <cstdint>

namespace bench::load {

enum class Trouble : std::uint8_t {
  kConnect,   // Refused, or not there within the patience.
  kReset,     // Closed while a request was under way.
  kTimeout,   // No answer within the road's patience.
  kShed,      // Answered at once instead of held, with Retry-After.
  k429,       // Too many held for this client.
  k503,       // Not fresh, no room, or a stream that the server ended before the job was final.
  kOther4xx,  // 401, or 404 for a job that had been there.
  kOther5xx,
  kEarly,  // A request that was to be held came back at once without news: a drain.
  kOdd,    // Nothing that bide sends.
};
inline constexpr std::size_t kTroubles = 10;

struct Counts {  // In the measured time.
  std::uint64_t connects = 0;
  std::uint64_t requests = 0;
  std::uint64_t answers_200 = 0;  // States: a stream counts each.
  std::uint64_t answers_304 = 0;
  std::uint64_t bytes_sent = 0;  // By the clients.
  std::uint64_t bytes_received = 0;
  std::uint64_t late_polls = 0;  // Left out: not answered yet, or in a back-off.
  std::uint64_t duplicates = 0;  // 200s with the tag that the client had sent.
  std::array<std::uint64_t, kTroubles> troubles{};
};

struct Traffic {
  Counts counts;
  std::size_t clients_ready = 0;  // Those that have had an answer with their job's state.
  std::size_t under_way = 0;      // Requests not answered yet; those of long polls are parked.

  void count(Trouble trouble) { ++counts.troubles.at(static_cast<std::size_t>(trouble)); }
};

}  // namespace bench::load
