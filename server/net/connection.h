// server/net/connection.h: One client's socket and what is known of its current request.
//
// Ownership. A connection is owned by exactly one of: epoll (at rest, nobody touches it), a pool
// thread, the lot (parked in the job table), an attendant. One atomic word says so:
//
//   life 24 bits | turn 32 bits | flags
//
// A socket is registered with epoll once, edge-triggered, for as long as it lives: a request costs
// no epoll_ctl. So an event may come at any time, also while somebody else owns the connection; it
// is noted in the flags then, and whoever owns the connection hears of it when it comes to rest.
//
// `turn` grows whenever the connection comes to rest: together with `life` it is the ticket that
// takes ownership back, one compare-and-swap; who fails lost a race and does nothing. `life` grows
// when the socket is closed: an event that arrives late for an earlier one is told by it and does
// nothing. Connections' memory is reused for connections only.
//
// Thread safety: the atomics may be read by anybody; all else belongs to the owner.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/client_address.h"
#include "core/parking/waiter.h"
#include "server/http/stream.h"
#include "server/http1/airlock.h"
#include "server/metrics/http_metrics.h"
#include "server/net/opened_stream.h"
#include "server/net/tls_stream.h"
#include "server/net/unsent.h"

namespace bide {

class Connection;
class Holder;

// Told when a parked request has its answer; called by an attendant or a pool thread that owns the
// connection.
class AnswerSink {
 public:
  virtual void on_answer(Connection& connection, Outcome outcome,
                         std::shared_ptr<const Snapshot> snapshot) noexcept = 0;
  // The same when there is no memory for the answer.
  virtual void on_lost(Connection& connection) noexcept = 0;

 protected:
  ~AnswerSink() = default;
};

// What the response to the current request depends on, besides the resource. Kept small: a parked
// request carries one for as long as it is held.
struct RequestFacts {
  static constexpr std::uint32_t kWaitMsMax = (1U << 22U) - 1;  // Over an hour.
  static constexpr std::uint32_t kPlacesMax = (1U << 10U) - 1;  // Of one request.
  TimePoint received{};                                         // When the request was complete.
  std::uint32_t wait_ms : 22 = 0;        // The wait that is honoured; 0: none asked for.
  std::uint32_t places : 10 = 0;         // That it takes of its client's (ClientAccounts).
  bool head : 1 = false;                 // HEAD: the headers of GET, no body.
  bool other : 1 = true;                 // Neither GET nor HEAD, or refused before that was known.
  bool close : 1 = false;                // Close after this response.
  bool http10 : 1 = false;               // HTTP/1.0: keep-alive has to be said.
  bool held : 1 = false;                 // Asked to wait.
  bool clamped : 1 = false;              // Asked for more than --max-wait.
  bool preferred : 1 = false;            // Asked by Prefer: wait, answered by Preference-Applied.
  bool max_stale : 1 = false;            // Cache-Control: max-stale.
  bool caught_up : 1 = false;            // The table shows what the stream held at `received`.
  bool over_rate : 1 = false;            // Beyond what one client may ask in a second.
  bool by_token : 1 = false;             // The wait ends with the token, earlier than it would.
  bool named_origin : 1 = false;         // From a page of an origin that may read (CrossOrigin).
  std::uint16_t admission = 0;           // See Admission::outdated().
  TimePoint token_expires = kEndOfTime;  // Of the token that the request was admitted by.
  // Whose limits it counts for, if that is by a token; 0: by the address (Connection::client()).
  std::uint64_t client = 0;
  // Further field lines of the response (CrossOrigin); null: kSameOriginOnly.
  const std::string* cross_origin = nullptr;
};

// A point in time for the reaper: its milliseconds, rounded up, without those that do not fit. Half
// the size of a TimePoint; two that are less than 24 days apart can be compared.
enum class Reaping : std::uint32_t {};
[[nodiscard]] Reaping reaping_of(TimePoint when);
[[nodiscard]] constexpr bool is_before(Reaping a, Reaping b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b)) <
         0;
}

class Connection final : public Waiter {
 public:
  enum class Phase : std::uint8_t {
    kShaking,    // TLS is being agreed on.
    kReading,    // Idle, or part of a request has arrived.
    kParked,     // In a lot; the client's leaving is of interest, and what it says on a WebSocket.
    kWriting,    // The socket did not take all of a response.
    kLingering,  // All said; waits for the client to close, so that nobody sees a reset.
  };

  // What has happened at a socket; bits.
  enum News : std::uint8_t { kNone = 0, kInput = 1, kFin = 2, kReset = 4 };
  using Ticket = std::uint64_t;  // A life and a turn.

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
  // Bytes that are kept of what its client has begun to say. For the owner.
  [[nodiscard]] std::size_t kept_bytes() const noexcept;
  // Gives ownership up, by `phase`. Returns the news that was noted meanwhile; the caller must pass
  // it on.
  [[nodiscard]] News rest() noexcept;
  struct Parked {
    Ticket ticket;  // Takes ownership back.
    News urgent;    // Noted meanwhile, and cannot wait: the caller must have somebody look at it.
  };
  // Gives ownership up to the lot. What was noted stays so until rest(). Urgent is that the client
  // has left; where half_closed is set the FIN is known, and only a reset says so. Of a stream that
  // listens() everything is, and so it is of TLS as long as no data has come: a record may be the
  // client's goodbye.
  [[nodiscard]] Parked rest_parked() noexcept;
  // The owner has closed the socket: who comes late for it comes to nothing.
  void end_life() noexcept;

  // Waiter: the job table's side of the claim.
  [[nodiscard]] bool present(std::uint64_t ticket) const noexcept override;
  [[nodiscard]] bool try_claim() noexcept override { return claim(parked_ticket_); }
  // Of the request that is under way: whose limits it counts for.
  [[nodiscard]] std::uint64_t client() const noexcept override {
    return facts.client != 0 ? facts.client : client_address.client();
  }
  void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept override {
    sink->on_answer(*this, outcome, std::move(snapshot));
  }
  void lose() noexcept override { sink->on_lost(*this); }

  // Small members stand together, the first in Waiter's padding: there is one of these for each of
  // thousands of clients.
  std::uint32_t index = 0;  // Of its slot, for good.
  AnswerSink* sink = nullptr;
  int fd = -1;
  std::uint8_t thread = 0;  // Of the pool: it watches the socket.
  ParkedOn parked_on{};     // Of the parked request or the stream, for metrics.
  Phase phase = Phase::kReading;
  bool half_closed = false;  // The client sent its FIN and may still read.
  bool broken = false;       // Sending failed: nobody is there to answer.
  bool in_body : 1 = false;  // `deadline` is that of the body.
  bool proxied : 1 = false;  // Its peer is a trusted proxy: what it takes counts for no client.
  bool in_handshake : 1 = false;  // Has entered the HandshakeGate.
  std::uint8_t kept_kib = 0;      // Taken of its client's share for what is not complete.
  // When the reaper may end it, while it is at rest.
  std::atomic<Reaping> expires{};
  // Of the peer; of a trusted proxy's connection, of the client that the present request is from.
  ClientAddress client_address;
  TimePoint deadline = kEndOfTime;  // For the rest of the request, or of lingering.
  RequestFacts facts;
  Progress progress;
  std::string input;  // Received, not yet consumed. Empty while idle.
  // Of the parked request or the stream: who answers it, and what in its lot it waits for.
  Holder* holder = nullptr;
  std::string key;
  std::unique_ptr<const ValidatorList> only_if;  // See Exchange.
  std::unique_ptr<Stream> stream;         // Null: the response is one message, and then over.
  std::unique_ptr<OpenedStream> opening;  // The stream that is asked for, not open yet.
  std::unique_ptr<Unsent> unsent;
  std::unique_ptr<TlsStream> tls;  // Null: the bytes on the socket are HTTP's.

 private:
  std::atomic<std::uint64_t> state_{1};  // Owned by whoever made it.
  Ticket parked_ticket_ = 0;             // Of the latest rest_parked().
};

}  // namespace bide
