// server/connection.h: One client's socket and what is known of its current request.
//
// Ownership. A connection is owned by exactly one of: epoll (armed, nobody touches it), a pool
// thread, the lot (parked in the job table), an attendant. The ticket says so: even while armed or
// parked, odd while a thread owns it. Taking ownership is one compare-and-swap from the even ticket
// one was told of to the next odd one; who fails lost a race and does nothing. Tickets only grow
// and connections' memory is reused only for connections, so an event that arrives late fails the
// same way.
//
// Thread safety: the atomics may be read by anybody; all else belongs to the owner.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/waiter.h"
#include "server/airlock.h"

namespace bide {

class Connection;

// Told when a parked request has its answer; called by an attendant or a pool thread that owns the
// connection.
class AnswerSink {
 public:
  virtual void on_answer(Connection& connection, Outcome outcome,
                         std::shared_ptr<const Snapshot> snapshot) noexcept = 0;

 protected:
  ~AnswerSink() = default;
};

// What the response to the current request depends on, besides the resource. Kept small: a parked
// request carries one for as long as it is held.
struct RequestFacts {
  TimePoint received{};        // When the request was complete.
  std::uint32_t wait_ms = 0;   // The wait that is honoured; 0: none asked for.
  bool head : 1 = false;       // HEAD: the headers of GET, no body.
  bool other : 1 = true;       // Neither GET nor HEAD, or refused before that was known.
  bool close : 1 = false;      // Close after this response.
  bool http10 : 1 = false;     // HTTP/1.0: keep-alive has to be said.
  bool held : 1 = false;       // Asked to wait.
  bool clamped : 1 = false;    // Asked for more than --max-wait.
  bool preferred : 1 = false;  // Asked by Prefer: wait, answered by Preference-Applied.
  bool max_stale : 1 = false;  // Cache-Control: max-stale.
};

class Connection final : public Waiter {
 public:
  enum class Phase : std::uint8_t {
    kReading,    // Idle, or part of a request has arrived.
    kParked,     // In the lot; armed for hang-up only.
    kWriting,    // The socket did not take all of a response.
    kLingering,  // All said; waits for the client to close, so that nobody sees a reset.
  };

  // Takes ownership if `ticket` still is the one that was armed.
  [[nodiscard]] bool claim(std::uint32_t ticket) noexcept {
    return ticket_.compare_exchange_strong(ticket, ticket + 1, std::memory_order_acq_rel);
  }
  [[nodiscard]] std::uint32_t ticket() const noexcept {
    return ticket_.load(std::memory_order_acquire);
  }
  static bool is_armed(std::uint32_t ticket) { return ticket % 2 == 0; }
  // Gives ownership up; returns the ticket that claims it back.
  std::uint32_t release() noexcept { return ticket_.fetch_add(1, std::memory_order_acq_rel) + 1; }

  // Waiter: the job table's side of the claim.
  [[nodiscard]] bool present(std::uint64_t ticket) const noexcept override {
    return this->ticket() == ticket;
  }
  [[nodiscard]] bool try_claim() noexcept override { return claim(parked_ticket); }
  void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept override {
    sink->on_answer(*this, outcome, std::move(snapshot));
  }

  // A response the socket has not taken whole: what is left of `text`, then of the body, which
  // lives in the snapshot all receivers share.
  struct Unsent {
    std::string text;
    std::shared_ptr<const Snapshot> owner;
    std::string_view body;
  };

  AnswerSink* sink = nullptr;
  std::uint32_t index = 0;  // Of its slot, for good.
  int fd = -1;
  // When the reaper may end it (Reaper::mark).
  std::atomic<std::int64_t> expires_ms{INT64_MAX};
  std::uint32_t suspect_ticket = 1;  // The reaper's own note; it alone touches it.

  std::uint32_t parked_ticket = 0;
  Phase phase = Phase::kReading;
  bool half_closed = false;         // The client sent its FIN and may still read.
  bool broken = false;              // Sending failed: nobody is there to answer.
  bool in_body = false;             // `deadline` is that of the body.
  TimePoint deadline = kEndOfTime;  // For the rest of the request, or of lingering.
  RequestFacts facts;
  Progress progress;
  std::string input;   // Received, not yet consumed. Empty while idle.
  std::string job_id;  // Of the parked request.
  std::unique_ptr<Unsent> unsent;

 private:
  std::atomic<std::uint32_t> ticket_{1};
};

}  // namespace bide
