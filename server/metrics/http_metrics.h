// server/metrics/http_metrics.h: The metrics of the HTTP side. Each thread has its own counters for
// what happens with every request (server/metrics/per_thread.h); rare events share one counter.
//
// Thread safety: may be counted and read from any thread. Counters are not consistent with each
// other.
#pragma once

#include <array>
#include <string_view>

#include "core/parking/waiter.h"
#include "server/metrics/histogram.h"
#include "server/metrics/metrics.h"
#include "server/metrics/per_thread.h"

namespace bide {

// What a request is parked on: labels `kind` and `road`.
enum class ParkedOn : std::uint8_t {
  kJob,
  kSet,
  kList,
  kStatistics,
  kJobEvents,
  kJobWebSocket,
  kStatisticsEvents,
  kStatisticsWebSocket,
  kFeedEvents,
  kWrite,
};
inline constexpr std::size_t kParkedOn = 10;
[[nodiscard]] std::string_view kind_of(ParkedOn parked_on);
[[nodiscard]] std::string_view road_of(ParkedOn parked_on);  // `request`, `events`, `ws`

// Why a connection is closed at once; label `reason`.
enum class ConnectionRefusal : std::uint8_t {
  kDraining,  // The server is shutting down.
  kNoSlot,    // All ConnectionSlots are in use.
  kNoWatch,   // The kernel is out of memory or watches.
  kClient,    // The client has its maximum of connections.
};
inline constexpr std::size_t kConnectionRefusals = 4;
[[nodiscard]] std::string_view word_of(ConnectionRefusal reason);

// Why a well-formed request was not served as it asked; label `reason`. A further reason needs a
// line here, one in word_of(), the number below, and count(metrics.refused(...)).
enum class RequestRefusal : std::uint8_t {
  kShed,          // No room to park: answered at once, or the stream ended.
  kDraining,      // Wanted to be held during the shutdown: answered at once.
  kNotReady,      // The first read of the bucket was under way.
  kNotFresh,      // NATS was away for longer than --max-stale.
  kNotCaughtUp,   // The table did not catch up in time with what the stream holds.
  kUnauthorized,  // 401: no token, or an invalid one.
  kForbidden,     // 403: the token does not permit reading.
  kRate,          // 429: too many requests from one client.
  kClientParked,  // 429: the client has its maximum of parked requests.
  kClientUnread,  // 429: the client has left too much unread.
  kWrites,        // 429 or 503: too many writes of the client, or of all, were under way.
  kLogins,        // 429: too many tokens from one address were refused.
};
inline constexpr std::size_t kRequestRefusals = 12;
[[nodiscard]] std::string_view word_of(RequestRefusal reason);

// Statuses of requests that are rejected before their path is looked at (server/net/front.h), and 0
// for any other; label `status`.
inline constexpr std::array kRejectStatuses = {400, 408, 413, 414, 417, 421, 429, 431, 501, 505, 0};

namespace bounds {
using namespace std::chrono_literals;
inline constexpr BucketBounds<16> kService = {5us, 10us, 20us, 50us, 100us, 200us, 500us, 1ms,
                                              2ms, 5ms,  10ms, 20ms, 50ms,  100ms, 1s,    10s};
inline constexpr BucketBounds<16> kNews = {50us, 100us, 200us, 500us, 1ms,   2ms, 5ms, 10ms,
                                           20ms, 50ms,  100ms, 200ms, 500ms, 1s,  5s,  30s};
inline constexpr BucketBounds<16> kHeld = {5ms, 20ms, 100ms, 250ms, 500ms, 1s,  2s,  5s,
                                           10s, 15s,  20s,   25s,   30s,   40s, 50s, 60s};
}  // namespace bounds

// The counters of one thread.
struct alignas(kCacheLineBytes) HttpTally {
  std::array<Tally, 6> responses;        // By status class: [2] counts 200-299, [1] the rest.
  std::array<Tally, 6> http2_responses;  // The same over HTTP/2; `responses` has those of HTTP/1.
  std::array<Tally, 8> outcomes;         // Of job requests, by Outcome.
  Tally requests_parked;                 // All that were ever parked.
  Tally stream_records;                  // Records sent on streams.
  std::array<Tally, kParkedOn> parked;   // A balance: the sum is the number parked now.
  // For requests answered at once: from their last byte to the answer at the socket.
  Histogram<bounds::kService> service;
  // The same for requests that were parked.
  Histogram<bounds::kHeld> held;
  // For parked requests answered because of an event: from its delivery (Waiter::news_at) to the
  // answer at the socket; for streams, to the record.
  Histogram<bounds::kNews> request_news;
  Histogram<bounds::kNews> stream_news;

  void add(const HttpTally& other) noexcept;
};

struct HttpMetrics {
  [[nodiscard]] HttpTally& mine() noexcept { return tallies.mine(); }
  [[nodiscard]] std::uint64_t sum(Tally HttpTally::*tally) const {
    std::uint64_t sum = 0;
    tallies.for_each([&](const HttpTally& one) { sum += (one.*tally).load(); });
    return sum;
  }
  [[nodiscard]] Counter& refused(ConnectionRefusal reason) {
    return connections_refused[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] Counter& refused(RequestRefusal reason) {
    return requests_refused[static_cast<std::size_t>(reason)];
  }
  // By the request parser: not HTTP, or over a limit.
  [[nodiscard]] Counter& rejected(int status);

  PerThread<HttpTally> tallies;
  alignas(kCacheLineBytes) Counter connections{0};  // Accepted.
  std::array<Counter, kConnectionRefusals> connections_refused{};
  std::array<Counter, kRequestRefusals> requests_refused{};
  std::array<Counter, kRejectStatuses.size()> requests_rejected{};
  Counter connections_evicted{0};     // Idle ones, closed to make room for others.
  Counter event_streams{0};           // Server-sent events, opened.
  Counter web_sockets{0};             // WebSockets, opened.
  Counter tls_handshakes{0};          // Successful ones.
  Counter tls_handshake_failures{0};  // Failed or too slow; not those left before the first byte.
  std::array<Counter, kParkedOn> streams_open{};  // A balance.
  Counter clients_gone{0};                        // Hung up while parked.
  Counter clients_slow{0};                        // Closed: head, body or reading took too long.
  Counter out_of_memory{0};   // Requests and connections that ended because memory was lacking.
  Counter clients_unread{0};  // Closed: left more unread than one client may.
};

}  // namespace bide
