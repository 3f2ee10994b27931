// server/net/reaper.h: Ends connections whose time is up: idle, slow, or never closing.
//
// One thread looks at every connection once a second: 18,000 of them cost it 1.5 ms, and nothing
// has to be moved in a timer structure when a connection is used. The price is precision: a
// connection ends up to a second late. Parked connections are left alone: their requests have
// deadlines of their own.
//
// Thread safety: start() and stop() once each, from one thread.
#pragma once

#include <functional>
#include <thread>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/net/connection_slots.h"

namespace bide {

class Reaper {
 public:
  // `on_expired` gets connections, which it then owns. `on_tick` is called before each look, once a
  // second.
  Reaper(Clock& clock, ConnectionSlots& slots, std::function<void(Connection&)> on_expired,
         std::function<void()> on_tick);
  ~Reaper();
  void start();
  void stop();

 private:
  void work();
  void look_at(Connection& connection, Reaping now);

  Clock& clock_;
  ConnectionSlots& slots_;
  const std::function<void(Connection&)> on_expired_;
  const std::function<void()> on_tick_;
  Mutex mutex_;
  CondVar wake_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bide
