// server/http_metrics.h: What the HTTP side counts.
//
// Thread safety: counters are atomic; see server/metrics.h.
#pragma once

#include <array>

#include "core/waiter.h"
#include "server/metrics.h"

namespace bide {

struct HttpMetrics {
  Counter connections{0};
  Counter connections_refused{0};      // No slot, no memory, or draining.
  std::array<Counter, 6> responses{};  // By status class: [2] counts 200-299, [1] the rest.
  std::array<Counter, 8> outcomes{};   // Of job requests, by Outcome.
  Counter tls_handshakes{0};           // That succeeded.
  Counter tls_handshake_failures{0};   // Or took too long. Not: left before the first byte.
  Counter requests_rejected{0};        // By the airlock: not HTTP, or over a limit.
  Counter requests_parked{0};          // That ever were.
  Counter event_streams{0};            // Server-sent events, opened.
  Counter web_sockets{0};              // WebSockets, opened.
  Counter stream_records{0};           // States told on either.
  Counter clients_gone{0};             // Hung up while parked.
  Counter unauthorized{0};             // 401: no token, or none of ours.
  Counter forbidden{0};                // 403: a token that does not permit reading.
  Counter over_rate{0};                // 429: too many requests of one client.
  Counter over_places{0};              // Held too many at a time for one client: 429, or cut.
  Counter clients_slow{0};             // Cut: head, body or reading took too long.
};

}  // namespace bide
