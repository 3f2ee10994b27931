#include "server/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "core/base/printable.h"
#include "server/net/listener.h"

namespace bide {

std::vector<ListenAddress> passed_sockets() {
  std::vector<ListenAddress> sockets;
  const int count = ::sd_listen_fds(1);
  sockets.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) sockets.push_back(passed_address(SD_LISTEN_FDS_START + i));
  return sockets;
}

ServiceManager::ServiceManager(Clock& clock)
    : clock_(clock), answered_(std::make_shared<std::atomic<bool>>(true)) {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) > 0) {
    watchdog_ = std::chrono::microseconds(microseconds);
  }
}

void ServiceManager::tell_ready(std::string_view status) {
  status_ = status;
  ::sd_notify(0, ("READY=1\nSTATUS=" + printable(status_, "?")).c_str());
}

void ServiceManager::tick(std::string_view status, Executor& executor) {
  if (status != status_) {
    status_ = status;
    ::sd_notify(0, ("STATUS=" + printable(status_, "?")).c_str());
  }
  if (watchdog_.count() == 0 || clock_.now() < next_sign_ || !answered_->exchange(false)) return;
  ::sd_notify(0, "WATCHDOG=1");
  next_sign_ = clock_.now() + watchdog_ / 2;
  try {
    executor.run([answered = answered_] { answered->store(true); });
  } catch (const std::bad_alloc&) {
    answered_->store(true);  // Nobody was asked.
    throw;
  }
}

void ServiceManager::tell_stopping(std::chrono::milliseconds delay) {
  constexpr std::chrono::seconds kDrainMax{30};  // Much more than it takes.
  if (delay.count() == 0) {
    ::sd_notify(0, "STOPPING=1\nSTATUS=draining");
  } else {
    const std::chrono::microseconds needed = delay + kDrainMax;
    ::sd_notifyf(0, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%lld",
                 static_cast<long long>(needed.count()));
  }
}

}  // namespace bide
