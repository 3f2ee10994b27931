// server/net/sender.h: Sends what is to be said to clients, and keeps what their sockets do not
// take, counted for each client.
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
  // `patience`: within this time a client takes kBytesMin, or of a stream at least a byte.
  Sender(std::chrono::milliseconds patience, std::size_t unread_bytes_max, HttpMetrics& metrics)
      : patience_(patience), unread_(unread_bytes_max), metrics_(metrics) {}

  // Sends what the socket takes and keeps the rest in connection.unsent. Breaks the connection
  // where its client has left too much unread. `body` lives in `owner`.
  void send(Connection& connection, std::string_view text,
            const std::shared_ptr<const Snapshot>& owner, std::string_view body,
            std::string_view tail);
  // There is room again. False: the client is gone.
  [[nodiscard]] bool resume(Connection& connection, TimePoint now);
  // Nothing will be sent of what is kept.
  void drop_unsent(Connection& connection);

  // Begins the time within which the client has to take something: connection.deadline.
  void begin_time(Connection& connection, TimePoint now) const;
  // Asked when that is over. Only what the client has acknowledged counts.
  [[nodiscard]] static bool is_fast_enough(const Connection& connection);

  [[nodiscard]] UnreadBytes& unread() { return unread_; }
  [[nodiscard]] const UnreadBytes& unread() const { return unread_; }

 private:
  static constexpr std::size_t kBytesMin = 30U << 10;  // 1 KiB a second.

  void keep(Connection& connection, const Message& message,
            const std::shared_ptr<const Snapshot>& owner);

  const std::chrono::milliseconds patience_;
  UnreadBytes unread_;
  HttpMetrics& metrics_;
};

}  // namespace bide
