// server/net/sender.h: Sends bytes to clients, keeps what their sockets do not take, and counts
// that for each client.
//
// Thread safety: the caller owns the connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "server/metrics/http_metrics.h"
#include "server/net/connection.h"
#include "server/net/unread_bytes.h"

namespace bide {

class Sender {
 public:
  static constexpr std::size_t kBytesMin = 30U << 10;  // With 30 s: 1 KiB a second.
  // `patience`: within this time a client must take kBytesMin, or at least a byte of a stream.
  // `unread_bytes_max`: see UnreadBytes.
  Sender(std::chrono::milliseconds patience, std::size_t unread_bytes_max, HttpMetrics& metrics)
      : patience_(patience), unread_(unread_bytes_max), metrics_(metrics) {}

  // Sends what the socket takes and keeps the rest in connection.unsent. Sets connection.broken if
  // the client is gone or has left too much unread. `body` lives in `owner`.
  void send(Connection& connection, std::string_view text,
            const std::shared_ptr<const Snapshot>& owner, std::string_view body,
            std::string_view tail);
  // The socket has room again: sends more of what is kept. False: the client is gone.
  [[nodiscard]] bool resume(Connection& connection, TimePoint now);
  // Drops what is kept, and counts it no more.
  void drop_unsent(Exchange& exchange);
  // Counts what the exchange keeps, if it is not counted yet. False: its client has left too much
  // unread, and it should be broken off.
  [[nodiscard]] bool count_unsent(Exchange& exchange);

  // Sets connection.deadline, by which the client must have taken something.
  void begin_time(Connection& connection, TimePoint now) const;
  // To be called at that deadline. Only what the client has acknowledged counts.
  [[nodiscard]] static bool is_fast_enough(const Connection& connection);

  [[nodiscard]] UnreadBytes& unread() { return unread_; }
  [[nodiscard]] const UnreadBytes& unread() const { return unread_; }

 private:
  void keep(Connection& connection, const Message& message,
            const std::shared_ptr<const Snapshot>& owner);

  const std::chrono::milliseconds patience_;
  UnreadBytes unread_;
  HttpMetrics& metrics_;
};

}  // namespace bide
