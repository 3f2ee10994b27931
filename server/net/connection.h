// server/net/connection.h: One client's socket: how bytes travel over it, and who owns it.
//
// Ownership. A connection is owned by exactly one of: epoll (at rest, nobody touches it), a pool
// thread, a wait queue (its exchange is parked in the job table), a notifier. One atomic word says
// so:
//
//   life 24 bits | turn 32 bits | flags
//
// A socket is registered with epoll once, edge-triggered, for as long as it lives: a request costs
// no epoll_ctl. So an event may come at any time, also while a thread or a queue owns the
// connection. Then it is noted in the flags, and rest() returns it.
//
// `turn` grows each time the connection comes to rest. `life` and `turn` together are the ticket: a
// thread takes ownership with one compare-and-swap on it. If that fails, another thread was faster,
// and this one does nothing. `life` grows when the socket is closed, so a late event for an earlier
// socket carries an old number and does nothing. The memory of a connection is reused for
// connections only.
//
// Thread safety: claim(), idle_ticket(), life(), on_events(), standing(), present() and `expires`
// may be used from any thread; everything else by the owner only.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/clock.h"
#include "server/net/exchange.h"
#include "server/net/tls_stream.h"

namespace bide {

class Front;

// The state that a protocol keeps for a connection beside its exchange. HTTP/1.1 keeps input that
// it has not processed yet.
class Session {
 public:
  virtual ~Session() = default;
  // The memory that the client's input takes.
  [[nodiscard]] virtual std::size_t kept_bytes() const noexcept = 0;
  // Exchanges are open, so the connection is not idle.
  [[nodiscard]] virtual bool busy() const noexcept { return false; }
};

// A point in time for the reaper: the low 32 bits of its milliseconds, rounded up. It has half the
// size of a TimePoint. Two of them can be compared if they are less than 24 days apart.
enum class Reaping : std::uint32_t {};
[[nodiscard]] Reaping reaping_of(TimePoint when);
[[nodiscard]] constexpr bool is_before(Reaping a, Reaping b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)) <
         0;
}

class Connection final {
 public:
  enum class Phase : std::uint8_t {
    kShaking,    // In its TLS handshake.
    kReading,    // Idle, or part of a request has arrived.
    kParked,     // Only the client's leaving matters, and its frames on a WebSocket.
    kWriting,    // The socket did not take all of a response.
    kLingering,  // All is sent; waits for the client to close, so that it sees no reset.
  };

  // What has happened at a connection, as bits.
  enum News : std::uint8_t {
    kNone = 0,
    kInput = 1,
    kFin = 2,
    kReset = 4,
    kAnswers = 8,  // Not the socket's: answers are queued for exchanges of the connection.
  };
  using Ticket = std::uint64_t;  // A life and a turn.

  Connection() : exchange(*this) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- Bytes: for the owner; nothing here waits -----------------------------------------------

  // As recv(2). 0: the client's FIN or close_notify. -1 with errno EAGAIN: no input now. Notes what
  // epoll will not report again: input beyond `buffer`, and with TLS an end behind it.
  [[nodiscard]] ssize_t receive(std::span<char> buffer);
  // Enough pieces for the longest list: its items and the text between them.
  static constexpr std::size_t kPiecesMax = 1024;  // IOV_MAX
  // Sends the pieces as if they were one. Returns the number of bytes taken, perhaps 0; -1: the
  // client is gone.
  [[nodiscard]] ssize_t transmit(std::span<const std::string_view> pieces);
  // Looks what the next receive() would find. With TLS it also notes that, because OpenSSL has read
  // it from the socket.
  enum class Ahead : std::uint8_t { kNothing, kInput, kFin, kReset };
  [[nodiscard]] Ahead look_ahead();
  // Ends our side of the connection. False: the socket has no room for close_notify now.
  [[nodiscard]] bool say_end();
  // Bytes kept of incomplete requests, TLS records and WebSocket messages.
  [[nodiscard]] std::size_t kept_bytes() const noexcept;
  // Closes the socket, with TLS after an attempt to send close_notify, and frees what belongs to
  // the socket and its request. Front::close() has given back before what is counted elsewhere.
  void close() noexcept;

  // --- Ownership ------------------------------------------------------------------------------

  // Takes ownership if the connection is at rest or parked and the ticket is still current. False:
  // another thread was faster.
  [[nodiscard]] bool claim(Ticket ticket) noexcept;
  // The current ticket. nullopt: the connection is owned or parked.
  [[nodiscard]] std::optional<Ticket> idle_ticket() const noexcept;
  [[nodiscard]] std::uint32_t life() const noexcept;

  // A pool thread has got events from epoll. True: the caller owns the connection now, and handles
  // them. False: they are noted for later, or belong to an earlier life.
  [[nodiscard]] bool on_events(std::uint32_t life, News news) noexcept;
  // For the owner: has rest() return `news`, as if epoll had reported it meanwhile.
  void note(News news) noexcept;
  enum class Standing : std::uint8_t {
    kOwned,
    kParked,
    kIdle,     // At rest; no part of a request has come, and no handshake has begun.
    kShaking,  // At rest, in its TLS handshake.
    kAtRest,   // At rest in any other way.
  };
  // May be out of date when it returns. A slot that is not in use is kOwned.
  [[nodiscard]] Standing standing() const noexcept;
  // Gives up ownership; `phase` must be set. Returns the news noted meanwhile, which the caller
  // must pass on (Front::look_again()).
  [[nodiscard]] News rest() noexcept;
  struct Parked {
    Ticket ticket;  // Takes ownership back.
    News urgent;    // Noted meanwhile, and cannot wait: the caller must pass it on.
  };
  // Gives ownership to the wait queue. News that was noted stays noted until rest(). A reset is
  // urgent, and so is a FIN unless half_closed is set: the client has left. On a stream that
  // listens(), all news is urgent. It is also urgent with TLS while no decrypted data waits,
  // because a record may be the client's close_notify.
  [[nodiscard]] Parked rest_parked() noexcept;
  // The owner has closed the socket. Late claims and events for it do nothing.
  void end_life() noexcept;

  // Whether the ticket is current and nobody has claimed it.
  [[nodiscard]] bool present(Ticket ticket) const noexcept;

  Front* front = nullptr;   // The front that has the socket; null before the first one.
  std::uint32_t index = 0;  // The number of its slot; never changes.
  int fd = -1;
  std::uint8_t thread = 0;  // The pool thread that watches the socket.
  Phase phase : 3 = Phase::kReading;
  bool http2 : 1 = false;         // Which Protocol it has.
  bool silent : 1 = true;         // Nothing has come from the client yet.
  bool half_closed : 1 = false;   // The client sent its FIN and may still read.
  bool broken : 1 = false;        // Sending failed or was given up.
  bool proxied : 1 = false;       // Its peer is a trusted proxy, so it counts for no client.
  bool in_handshake : 1 = false;  // Has entered the HandshakeGate.
  // KiB counted for its client (ClientAccounts). 12 bits: they share a word with those above.
  static constexpr std::size_t kKeptKibMax = 4095;
  std::uint16_t kept_kib : 12 = 0;
  // From this time on the reaper may end it, if it is at rest.
  std::atomic<Reaping> expires{};
  TimePoint deadline = kEndOfTime;   // Of handshake, request, sending or lingering.
  std::unique_ptr<Session> session;  // Null: nothing is kept.
  std::unique_ptr<TlsStream> tls;    // Null: the connection is plain.
  // That of HTTP/1.1, which has one at a time. With HTTP/2 its address is the peer's, and what the
  // socket has not taken is kept here.
  Exchange exchange;

 private:
  std::atomic<std::uint64_t> state_{1};  // A new connection is owned.
};

}  // namespace bide
