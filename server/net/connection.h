// server/net/connection.h: One client's socket: how bytes travel over it, and who owns it.
//
// Ownership. A connection is owned by exactly one of: epoll (at rest, nobody touches it), a pool
// thread, a wait queue (its exchange is parked in the job table), a notifier. One atomic word says
// so:
//
//   life 24 bits | turn 32 bits | flags
//
// A socket is registered with epoll once, edge-triggered, for as long as it lives: a request costs
// no epoll_ctl. So an event may come at any time, also while somebody else owns the connection; it
// is noted in the flags then, and whoever owns the connection hears of it when it comes to rest.
//
// `turn` grows whenever the connection comes to rest: together with `life` it is the ticket that
// takes ownership back, one compare-and-swap; a thread that fails lost a race and does nothing.
// `life` grows when the socket is closed: an event that arrives late for an earlier one is told by
// it and does nothing. Connections' memory is reused for connections only.
//
// Thread safety: the atomics may be read by anybody; all else belongs to the owner.
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

#include "core/base/client_address.h"
#include "core/base/clock.h"
#include "server/net/exchange.h"
#include "server/net/tls_stream.h"
#include "server/net/unsent.h"

namespace bide {

class Front;

// What a protocol keeps of a connection beyond its exchange: of HTTP/1.1, what has come of a
// request that is not complete.
class Session {
 public:
  virtual ~Session() = default;
  // Bytes of what the client has begun to say.
  [[nodiscard]] virtual std::size_t kept_bytes() const noexcept = 0;
};

// A point in time for the reaper: its milliseconds, rounded up, without those that do not fit. Half
// the size of a TimePoint; two that are less than 24 days apart can be compared.
enum class Reaping : std::uint32_t {};
[[nodiscard]] Reaping reaping_of(TimePoint when);
[[nodiscard]] constexpr bool is_before(Reaping a, Reaping b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)) <
         0;
}

class Connection final {
 public:
  enum class Phase : std::uint8_t {
    kShaking,    // TLS is being agreed on.
    kReading,    // Idle, or part of a request has arrived.
    kParked,     // The client's leaving is of interest, and what it says on a WebSocket.
    kWriting,    // The socket did not take all of a response.
    kLingering,  // All said; waits for the client to close, so that nobody sees a reset.
  };

  // What has happened at a socket; bits.
  enum News : std::uint8_t { kNone = 0, kInput = 1, kFin = 2, kReset = 4 };
  using Ticket = std::uint64_t;  // A life and a turn.

  Connection() : exchange(*this) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- Bytes: for the owner; nothing here waits -----------------------------------------------

  // As recv(2): 0 is the client's FIN or close_notify; -1 with errno EAGAIN: nothing more for now.
  // Notes what epoll will not tell of again: input beyond `buffer`, an end behind it.
  [[nodiscard]] ssize_t receive(std::span<char> buffer);
  // At least as many pieces as a list has, with its items and what stands between them.
  static constexpr std::size_t kPiecesMax = 1024;  // IOV_MAX
  // Bytes taken, of the pieces as if they were one; -1: the client is gone.
  [[nodiscard]] ssize_t transmit(std::span<const std::string_view> pieces);
  // What the next receive() would find. With TLS that is noted as if it had come just now.
  enum class Ahead : std::uint8_t { kNothing, kInput, kFin, kReset };
  [[nodiscard]] Ahead look_ahead();
  // Says that nothing follows. False: the socket has no room for that now.
  [[nodiscard]] bool say_end();
  // What is kept of what its client has begun to say.
  [[nodiscard]] std::size_t kept_bytes() const noexcept;
  // Closes the socket, with a goodbye if that needs no waiting, and puts everything back to what it
  // was before there was one. Of what is counted elsewhere (Front), nothing is left.
  void close() noexcept;

  // --- Ownership ------------------------------------------------------------------------------

  // Takes ownership if the connection is at rest and it still is that turn.
  [[nodiscard]] bool claim(Ticket ticket) noexcept;
  // The present turn's ticket; nullopt while somebody owns the connection, or it is parked.
  [[nodiscard]] std::optional<Ticket> idle_ticket() const noexcept;
  [[nodiscard]] std::uint32_t life() const noexcept;

  // epoll's events reached a pool thread. True: they are the caller's to deal with, it owns the
  // connection now. False: noted for the owner, of no interest while parked, or of an earlier life.
  [[nodiscard]] bool on_events(std::uint32_t life, News news) noexcept;
  // For the owner: as if the event came (again) the moment the connection comes to rest.
  void note(News news) noexcept;
  enum class Standing : std::uint8_t {
    kOwned,
    kParked,
    kIdle,     // At rest, and nothing of a request has come, nor of a handshake been begun.
    kShaking,  // At rest within its TLS handshake.
    kAtRest,   // In any other way.
  };
  // As it is right now; also of a slot that is not in use: kOwned.
  [[nodiscard]] Standing standing() const noexcept;
  // Gives ownership up, by `phase`. Returns the news that was noted meanwhile; the caller must pass
  // it on.
  [[nodiscard]] News rest() noexcept;
  struct Parked {
    Ticket ticket;  // Takes ownership back.
    News urgent;    // Noted meanwhile, and cannot wait: the caller must have somebody look at it.
  };
  // Gives ownership up to the wait queue. What was noted stays so until rest(). Urgent is that the
  // client has left; where half_closed is set the FIN is known, and only a reset says so. Of a
  // stream that listens() everything is, and so it is of TLS as long as no data has come: a record
  // may be the client's goodbye.
  [[nodiscard]] Parked rest_parked() noexcept;
  // The owner has closed the socket: who comes late for it comes to nothing.
  void end_life() noexcept;

  // Whether the ticket is still that of a turn nobody has taken.
  [[nodiscard]] bool present(Ticket ticket) const noexcept;

  Front* front = nullptr;   // Whose socket it is; null before the first.
  std::uint32_t index = 0;  // Of its slot, for good.
  int fd = -1;
  std::uint8_t thread = 0;  // Of the pool: it watches the socket.
  Phase phase = Phase::kReading;
  bool half_closed : 1 = false;  // The client sent its FIN and may still read.
  bool broken : 1 = false;       // Sending failed: nobody is there to answer.
  bool proxied : 1 = false;      // Its peer is a trusted proxy: what it takes counts for no client.
  bool in_handshake : 1 = false;  // Has entered the HandshakeGate.
  std::uint8_t kept_kib = 0;      // Taken of its client's share for what is not complete.
  // When the reaper may end it, while it is at rest.
  std::atomic<Reaping> expires{};
  // Of the peer; of a trusted proxy's connection, of the client that the present request is from.
  ClientAddress client_address;
  TimePoint deadline = kEndOfTime;   // For the rest of the request, or of lingering.
  std::unique_ptr<Session> session;  // Null: nothing is kept.
  std::unique_ptr<Unsent> unsent;
  std::unique_ptr<TlsStream> tls;  // Null: the bytes on the socket are the protocol's.
  Exchange exchange;               // HTTP/1.1 has one at a time.

 private:
  std::atomic<std::uint64_t> state_{1};  // Owned by whoever made it.
};

}  // namespace bide
