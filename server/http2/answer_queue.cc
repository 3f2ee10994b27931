#include "server/http2/answer_queue.h"

#include <utility>

#include "server/http2/http2_exchange.h"
#include "server/net/front.h"

namespace bide {
namespace {

// No exchange has this address.
Http2Exchange* closed_mark() noexcept {
  static char mark;
  return reinterpret_cast<Http2Exchange*>(&mark);
}

Http2Exchange* in_order(Http2Exchange* latest) noexcept {
  Http2Exchange* first = nullptr;
  while (latest != nullptr) {
    Http2Exchange* const before = std::exchange(latest->next_answer, first);
    first = std::exchange(latest, before);
  }
  return first;
}

}  // namespace

bool AnswerQueue::push(Http2Exchange& exchange) noexcept {
  // The queue may be gone as soon as the exchange is in it.
  Front& front = front_;
  const std::uint64_t key = key_;
  Http2Exchange* latest = latest_.load(std::memory_order_acquire);
  do {
    if (latest == closed_mark()) return false;
    exchange.next_answer = latest;
  } while (!latest_.compare_exchange_weak(latest, &exchange, std::memory_order_acq_rel));
  if (latest == nullptr) front.look_again(key, Connection::kAnswers);
  return true;
}

Http2Exchange* AnswerQueue::take() noexcept {
  return in_order(latest_.exchange(nullptr, std::memory_order_acq_rel));
}

Http2Exchange* AnswerQueue::close() noexcept {
  return in_order(latest_.exchange(closed_mark(), std::memory_order_acq_rel));
}

bool AnswerQueue::empty() const noexcept {
  return latest_.load(std::memory_order_relaxed) == nullptr;
}

}  // namespace bide
