// tests/core/parking/test_waiter.h: A parked request without a connection: its answer is a future.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "core/parking/waiter.h"

namespace bide {

struct Answer {
  Outcome outcome{};
  std::shared_ptr<const Snapshot> snapshot;
  bool lost = false;
};

class TestWaiter final : public Waiter {
 public:
  explicit TestWaiter(Condition condition = {}, TimePoint deadline = kEndOfTime) {
    terms.condition = condition;
    terms.deadline = deadline;
    terms.waits_for_job = condition.kind() == Condition::Kind::kExists;
  }

  bool present(std::uint64_t ticket) const noexcept override { return claims_.load() == ticket; }
  bool try_claim() noexcept override {
    std::uint64_t unclaimed = 0;
    return claims_.compare_exchange_strong(unclaimed, 1);
  }
  std::uint64_t client() const noexcept override { return of_client; }
  const Selection* selection() const noexcept override { return selected.get(); }
  void answer(Outcome outcome, std::shared_ptr<const Snapshot> snapshot) noexcept override {
    if (while_answered) while_answered();
    promise_.set_value({outcome, std::move(snapshot)});
  }
  void lose() noexcept override { promise_.set_value({{}, nullptr, true}); }

  // nullopt: no answer within `patience`.
  std::optional<Answer> wait_answer(std::chrono::seconds patience = std::chrono::seconds(10)) {
    if (future_.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return future_.get();
  }
  std::uint64_t of_client = 0;
  SelectionPtr selected;
  std::function<void()> while_answered{};
  bool answered() { return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

 private:
  std::atomic<std::uint64_t> claims_{0};
  std::promise<Answer> promise_;
  std::future<Answer> future_ = promise_.get_future();
};

}  // namespace bide
