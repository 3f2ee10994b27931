// server/service_manager.h: What bide has to do with systemd: sockets that it passes, and what it
// is told (sd_listen_fds(3), sd_notify(3)). Without systemd nothing happens.
//
// Thread safety: from one thread. ServiceManager reads the environment once, when it is made.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/listen_address.h"

namespace bide {

// The sockets of a .socket unit. They are closed in programs that bide starts. Throws StartError if
// one of them does not listen for streams.
[[nodiscard]] std::vector<ListenAddress> passed_sockets();

class ServiceManager {
 public:
  explicit ServiceManager(Clock& clock);

  // `status`: for people, shown by `systemctl status`. Line ends in it are replaced, because each
  // line of a message is a variable.
  void tell_ready(std::string_view status);
  // Once a second or so. Tells the status if it has changed. With WatchdogSec=, tells that bide is
  // alive if a thread of `executor` has run a task since it was asked last, at half of that time.
  // Throws bad_alloc; the next call does what is missing.
  void tick(std::string_view status, Executor& executor);
  // Once. Asks for `delay` on top of what the stop would take, whatever TimeoutStopSec= says. The
  // next tick() tells the status again.
  void tell_stopping(std::chrono::milliseconds delay);

 private:
  Clock& clock_;
  std::string status_;
  std::chrono::microseconds watchdog_{0};  // 0: systemd does not want to know.
  TimePoint next_sign_{};
  // Shared with the task, which may run after this object is gone.
  std::shared_ptr<std::atomic<bool>> answered_;
};

}  // namespace bide
