// server/http2/answer_queue.h: The exchanges of one connection whose answers wait for its owner.
//
// HTTP/2's answers share a connection, and only its owner may use it. A notifier that has an answer
// puts the exchange here, which takes one compare-and-swap, and the first one wakes a pool thread.
// That thread takes all there are and sends their answers in as few writes as fit.
//
// A connection may end while notifiers hold some of its exchanges. close() makes later push() calls
// fail; then the notifier discards the exchange. So the queue outlives the connection: each of its
// exchanges holds it by a shared_ptr.
//
// Thread safety: push() from any thread; take() and close() by the owner of the connection.
#pragma once

#include <atomic>
#include <cstdint>

namespace bide {

class Front;
class Http2Exchange;
class Protocol;

class AnswerQueue {
 public:
  // `key`: of the connection (Front::key_of()).
  AnswerQueue(Front& front, std::uint64_t key, Protocol& protocol)
      : front_(front), protocol_(protocol), key_(key) {}

  // Of the exchanges. The connection may have been given another one since.
  [[nodiscard]] Protocol& protocol() const noexcept { return protocol_; }

  // The caller has claimed the exchange and set its answer. False: the connection has ended. True:
  // the exchange belongs to the connection's owner again, and may be gone already.
  [[nodiscard]] bool push(Http2Exchange& exchange) noexcept;

  // All that are queued, in the order in which they came, linked by next_answer. Null: none.
  [[nodiscard]] Http2Exchange* take() noexcept;
  // The same, for the last time.
  [[nodiscard]] Http2Exchange* close() noexcept;
  // Without a look at other threads' latest pushes.
  [[nodiscard]] bool empty() const noexcept;

 private:
  Front& front_;
  Protocol& protocol_;
  const std::uint64_t key_;
  // The latest, linked to those before it. kClosed: nothing can be pushed any more.
  std::atomic<Http2Exchange*> latest_{nullptr};
};

}  // namespace bide
