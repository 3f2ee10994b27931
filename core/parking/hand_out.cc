#include "core/parking/hand_out.h"

#include <algorithm>
#include <new>
#include <utility>

namespace bide {
namespace {

// Answers handed out at a time. Below the first number splitting costs more than it gains.
constexpr std::size_t kSplitFrom = 128;
constexpr std::size_t kAnswersPerTask = 256;

void answer(std::vector<Ready>& ready, std::size_t from, std::size_t to) noexcept {
  for (std::size_t i = from; i < to; ++i) {
    ready[i].waiter->answer(ready[i].outcome, std::move(ready[i].snapshot));
  }
}

// Null: there is no memory for it, and `ready` is as it was.
std::shared_ptr<std::vector<Ready>> shared_of(std::vector<Ready>& ready) noexcept {
  try {
    return std::make_shared<std::vector<Ready>>(std::move(ready));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// The attendant keeps the first part; the crew's threads take the others as they come free.
void split(const std::shared_ptr<std::vector<Ready>>& shared, Crew& crew) noexcept {
  const std::size_t part = std::min(kAnswersPerTask, (shared->size() + 1) / 2);
  for (std::size_t from = part; from < shared->size(); from += part) {
    const std::size_t to = std::min(from + part, shared->size());
    try {
      crew.run([shared, from, to] { answer(*shared, from, to); });
    } catch (const std::bad_alloc&) {
      answer(*shared, from, to);
    }
  }
  answer(*shared, 0, part);
}

}  // namespace

void hand_out(Batch& batch, Crew* crew) noexcept {
  while (batch.lost.waiters != nullptr) {
    Waiter& waiter = *batch.lost.waiters;
    WaiterList::unlink(waiter);
    waiter.lose();
  }
  const bool many = crew != nullptr && batch.ready.size() >= kSplitFrom;
  if (const auto shared = many ? shared_of(batch.ready) : nullptr) return split(shared, *crew);
  answer(batch.ready, 0, batch.ready.size());
  batch.ready.clear();
}

}  // namespace bide
