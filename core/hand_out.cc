#include "core/hand_out.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

// Answers handed out at a time. Below the first number splitting costs more than it gains.
constexpr std::size_t kSplitFrom = 128;
constexpr std::size_t kAnswersPerTask = 256;

void answer(std::vector<Ready>& batch, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    batch[i].waiter->answer(batch[i].outcome, std::move(batch[i].snapshot));
  }
}

}  // namespace

void hand_out(std::vector<Ready> ready, Crew* crew) {
  if (crew == nullptr || ready.size() < kSplitFrom) {
    answer(ready, 0, ready.size());
    return;
  }
  // The attendant keeps the first part; the crew's threads take the others as they come free.
  const auto shared = std::make_shared<std::vector<Ready>>(std::move(ready));
  const std::size_t part = std::min(kAnswersPerTask, (shared->size() + 1) / 2);
  for (std::size_t from = part; from < shared->size(); from += part) {
    const std::size_t to = std::min(from + part, shared->size());
    crew->run([shared, from, to] { answer(*shared, from, to); });
  }
  answer(*shared, 0, part);
}

}  // namespace bide
