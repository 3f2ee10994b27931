// server/net/handshake_gate.h: How many TLS handshakes are in progress: each holds 45 KB until its
// client has done its part, and a client that does nothing holds it for ten seconds.
//
// A handshake that there is no room for waits outside, as a number, and holds nothing. Clients are
// let in by turns, so one with many waiting does not keep others out.
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
    std::size_t all = 1024;  // Under way at a time.
    std::size_t per_client = 64;
    std::size_t waiting_per_client = 65'536;
  };
  explicit HandshakeGate(const Limits& limits) : limits_(limits) {}

  enum class Verdict : std::uint8_t {
    kIn,       // It may begin; leave() must follow.
    kWaiting,  // next() will return `key`, and enter() must be called again then.
    kTooMany,  // As many of this client's wait as may.
  };
  [[nodiscard]] Verdict enter(std::uint64_t client, std::uint64_t key);
  void leave(std::uint64_t client);
  // Of one that waits and that there is room for now: its key, which is forgotten here. The caller
  // asks once for each leave(), and for all that is left now and then: a key may be of a connection
  // that is closed.
  [[nodiscard]] std::optional<std::uint64_t> next();
  // More handshakes could begin right now.
  [[nodiscard]] std::size_t room() const;
  // Some wait because there is no room for anybody's.
  [[nodiscard]] bool is_full() const;

 private:
  struct Client {
    std::size_t inside = 0;
    std::deque<std::uint64_t> waiting;
  };

  const Limits limits_;
  mutable Mutex mutex_;
  std::size_t inside_ GUARDED_BY(mutex_) = 0;
  // Those with somebody inside or waiting.
  std::unordered_map<std::uint64_t, Client> clients_ GUARDED_BY(mutex_);
  std::list<std::uint64_t> turns_ GUARDED_BY(mutex_);  // Clients with somebody waiting.
};

}  // namespace bide
