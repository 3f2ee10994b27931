// client/retry.h: Repeats a write until it is stored or refused, or until a deadline.
//
// Thread safety: run() from one thread at a time; set_deadline() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "client/back_off.h"
#include "client/reply.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace bide {

class Retry {
 public:
  // How long one attempt may take. bide answers 504 if NATS does not acknowledge within 5 s.
  static constexpr std::chrono::milliseconds kPatienceMax{10'000};

  explicit Retry(std::uint32_t seed, TimePoint deadline = kEndOfTime)
      : back_off_(seed), deadline_(deadline) {}

  using Attempt = std::function<WriteReply(std::chrono::milliseconds patience)>;
  // Blocks. Makes one attempt at least. Pauses longer after each failure, and as long as the server
  // asks with Retry-After, but at most for half of the remaining time. Trouble: that of the last
  // attempt, and the deadline has passed. `on_trouble`: called after each failure.
  [[nodiscard]] WriteReply run(const Attempt& attempt,
                               const std::function<void(const Trouble&)>& on_trouble = {});

  // Ends a pause, too: the next attempt is made at once.
  void set_deadline(TimePoint deadline);

 private:
  [[nodiscard]] std::chrono::milliseconds patience();
  [[nodiscard]] bool pause(const Trouble& trouble);

  BackOff back_off_;
  Mutex mutex_;
  CondVar moved_;
  TimePoint deadline_ GUARDED_BY(mutex_);
  bool hurry_ GUARDED_BY(mutex_) = false;  // The deadline was set since the last pause.
};

}  // namespace bide
