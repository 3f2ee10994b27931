// server/net/handshake_gate.h: Limits how many TLS handshakes are in progress. Each holds 45 KB
// until its client has done its part, and a client that does nothing holds it for ten seconds.
//
// A handshake without room waits as a number, and holds nothing else. Clients take turns, so a
// client with many waiting handshakes does not keep others out.
//
// Thread safety: all methods may be called from any thread; one leaf mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <unordered_map>

#include "core/base/mutex.h"

namespace bide {

class HandshakeGate {
 public:
  struct Limits {
    std::size_t all = 1024;  // In progress at a time.
    std::size_t per_client = 64;
    std::size_t waiting_per_client = 65'536;
  };
  explicit HandshakeGate(const Limits& limits) : limits_(limits) {}

  enum class Verdict : std::uint8_t {
    kIn,       // It may begin; leave() must follow.
    kWaiting,  // next() will return `key`, and enter() must be called again then.
    kTooMany,  // The client has waiting_per_client waiting.
  };
  [[nodiscard]] Verdict enter(std::uint64_t client, std::uint64_t key);
  void leave(std::uint64_t client);
  // The key of a waiting handshake that there is room for now; it waits no longer. nullopt: there
  // is none. Call it once after each leave(), and as often as there is room() from time to time,
  // because a key may belong to a closed connection.
  [[nodiscard]] std::optional<std::uint64_t> next();
  // More handshakes could begin right now.
  [[nodiscard]] std::size_t room() const;
  // Some wait because Limits::all are in progress.
  [[nodiscard]] bool is_full() const;

 private:
  struct Client {
    std::size_t inside = 0;
    std::deque<std::uint64_t> waiting;
  };

  const Limits limits_;
  mutable Mutex mutex_;
  std::size_t inside_ GUARDED_BY(mutex_) = 0;
  // Clients with handshakes in progress or waiting.
  std::unordered_map<std::uint64_t, Client> clients_ GUARDED_BY(mutex_);
  std::list<std::uint64_t> turns_ GUARDED_BY(mutex_);  // Clients with waiting handshakes.
};

}  // namespace bide
