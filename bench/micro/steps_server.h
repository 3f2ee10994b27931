// bench/micro/steps_server.h: Jobs behind the real connection layer, without NATS and without a
// listening socket: connections are handed in. One pool thread.
//
// Thread safety: one thread, the one that made it; requests are served on others.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "bench/micro/steps.h"

namespace bide::bench {

// Whether the server does it all by itself: apply_all().
[[nodiscard]] bool is_without_client(Operation operation);

class StepsServer {
 public:
  // Serves started jobs, `job_id(0)` and so on. The first request that is held is answered by the
  // completion of the first job, the second by that of the second, and so on: clients must ask in
  // this order, one after the other. The thread that parks a request applies the event right after
  // it; waiting for that on another thread would cost instructions that no server spends. No other
  // request is parked, so parking wakes the notifier, too: its next deadline is nearer than it was.
  // `directory`: see steps_credentials.h.
  StepsServer(const Order& order, const std::filesystem::path& directory);
  ~StepsServer();

  // Takes over a connected stream socket.
  void adopt(int fd);
  // Completes the next job.
  void apply_next();
  // Completes so many jobs; returns when all their waiters have been answered. False: they were
  // not, in ten seconds.
  [[nodiscard]] bool apply_all(std::size_t jobs);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bide::bench
