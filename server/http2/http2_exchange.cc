#include "server/http2/http2_exchange.h"

#include "server/net/protocol.h"

namespace bide {

// The owner parks it and nobody else, so it cannot be another request's.
bool Http2Exchange::present(std::uint64_t /*ticket*/) const noexcept {
  return claim_.load(std::memory_order_acquire) == Claim::kParked;
}

void Http2Exchange::answer(Outcome its_outcome, std::shared_ptr<const Snapshot> snapshot) noexcept {
  answers->protocol().answer(*this, its_outcome, snapshot);
}

void Http2Exchange::lose() noexcept { answers->protocol().lose(*this); }

}  // namespace bide
