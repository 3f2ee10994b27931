// tests/core/table/fake_tail.h: A stream without NATS, which ends where the test says.
#pragma once

#include <atomic>
#include <optional>

#include "core/base/clock.h"
#include "core/table/catch_up.h"

namespace bide::testing {

class FakeTail final : public Tail {
 public:
  // At first the stream ends at `position`: everything is applied.
  explicit FakeTail(const Position& position) : position_(position) {}

  void ends_at(Position::Place place) {
    MutexLock lock(mutex_);
    place_ = place;
    silent_ = false;
    cond_.notify_all();
  }
  // One of several servers reports, and may be behind the others.
  void may_lag() { may_lag_ = true; }
  // As over a new connection.
  void reconnect() { ++link_; }
  // Every request returns at once without an answer.
  void fail() {
    MutexLock lock(mutex_);
    silent_ = true;
  }
  // Requests block until release().
  void hang() {
    MutexLock lock(mutex_);
    hangs_ = true;
  }
  void release() {
    MutexLock lock(mutex_);
    hangs_ = false;
    cond_.notify_all();
  }
  [[nodiscard]] unsigned reads() const { return reads_; }
  [[nodiscard]] unsigned doubts() const { return doubts_; }

  [[nodiscard]] std::optional<Report> read() override {
    ++reads_;
    MutexLock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (hangs_ && std::chrono::steady_clock::now() < end) cond_.wait_until(mutex_, end);
    if (silent_) return std::nullopt;
    return Report{place_ ? *place_ : position_.get(), link_, may_lag_};
  }
  void doubt() noexcept override { ++doubts_; }

 private:
  const Position& position_;
  std::atomic<unsigned> reads_{0};
  std::atomic<unsigned> doubts_{0};
  std::atomic<Link> link_{0};
  std::atomic<bool> may_lag_{false};
  Mutex mutex_;
  CondVar cond_;
  std::optional<Position::Place> place_ GUARDED_BY(mutex_);
  bool silent_ GUARDED_BY(mutex_) = false;
  bool hangs_ GUARDED_BY(mutex_) = false;
};

}  // namespace bide::testing
