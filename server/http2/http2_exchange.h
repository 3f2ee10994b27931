// server/http2/http2_exchange.h: One exchange of an HTTP/2 connection, and who owns it.
//
// Ownership. While it is not parked, an exchange belongs to the owner of its connection. Parked, it
// belongs to the wait queue, and the first of two takes it out by a compare-and-swap on the claim:
// a notifier, with an answer, or the connection's owner, because the client has left. A notifier
// gives it back by the connection's AnswerQueue.
//
//   kOwned --park--> kParked --a notifier--> kAnswered --taken from the queue--> kOwned
//                        \--the connection's owner--> kOwned
//
// Its memory is freed by the connection's owner, or by the notifier if the connection ended while
// it was kAnswered.
//
// Thread safety: present(), try_claim(), answer() and lose() as Waiter says; all else by the owner.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "server/http2/answer_queue.h"
#include "server/net/connection.h"

namespace bide {

// A list that an exchange can leave without knowing which one it is in.
struct ExchangeLink {
  ExchangeLink* before = this;
  ExchangeLink* after = this;

  ExchangeLink() = default;
  ExchangeLink(const ExchangeLink&) = delete;
  ExchangeLink& operator=(const ExchangeLink&) = delete;
  ~ExchangeLink() { leave(); }

  void leave() noexcept {
    before->after = after;
    after->before = before;
    before = after = this;
  }
  // Moves it to the end of the list that `head` begins.
  void move_to(ExchangeLink& head) noexcept {
    leave();
    before = head.before;
    after = &head;
    before->after = after->before = this;
  }
  [[nodiscard]] bool alone() const noexcept { return after == this; }
};

// A request whose content has not arrived completely.
struct Http2Incoming {
  http::Request request;
  std::optional<std::string> host;
  std::string content;
  std::size_t bytes = 0;  // Of the content, also where it is not kept.
  TimePoint deadline;
};

class Http2Exchange final : public Exchange, public ExchangeLink {
 public:
  Http2Exchange(Connection& connection, std::shared_ptr<AnswerQueue> answer_queue,
                std::int32_t stream_id_of_it)
      : Exchange(connection), stream_id(stream_id_of_it), answers(std::move(answer_queue)) {}

  // --- The claim

  void begin_parking() noexcept { claim_.store(Claim::kParked, std::memory_order_release); }
  // Takes it out of the hands of the wait queue. False: a notifier was faster.
  [[nodiscard]] bool take_back() noexcept { return pass(Claim::kParked, Claim::kOwned); }
  // It has come by the AnswerQueue.
  void come_back() noexcept { claim_.store(Claim::kOwned, std::memory_order_relaxed); }
  // A notifier has it, or will have it.
  [[nodiscard]] bool away() const noexcept {
    return claim_.load(std::memory_order_acquire) != Claim::kOwned;
  }

  [[nodiscard]] bool present(std::uint64_t ticket) const noexcept override;
  [[nodiscard]] bool try_claim() noexcept override {
    return pass(Claim::kParked, Claim::kAnswered);
  }

  void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept override;
  void lose() noexcept override;

  // --- For the session

 private:
  enum class Claim : std::uint8_t { kOwned, kParked, kAnswered };
  [[nodiscard]] bool pass(Claim from, Claim to) noexcept {
    return claim_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }
  std::atomic<Claim> claim_{Claim::kOwned};

 public:
  bool responded = false;  // The head of its response has been submitted.
  bool last = false;       // What is unsent ends the response.
  bool requested = false;  // The request is complete.
  bool gone = false;       // The client has left; it only has to come back to be freed.
  bool lost = false;       // There was no memory for its answer.
  Outcome outcome{};       // Its answer, with `state`.
  const std::int32_t stream_id;
  Reaping take_by{};  // While something is unsent: when the client must have taken some.
  std::shared_ptr<const Snapshot> state;
  Http2Exchange* next_answer = nullptr;  // In the AnswerQueue.
  const std::shared_ptr<AnswerQueue> answers;
  std::unique_ptr<Http2Incoming> incoming;  // Null: the request is complete.
};

}  // namespace bide
