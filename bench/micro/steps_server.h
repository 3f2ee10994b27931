// bench/micro/steps_server.h: Jobs behind the real connection layer, without NATS and without a
// listening socket: connections are handed in. One pool thread.
//
// Thread safety: one thread, the one that made it; requests are served on others.
#pragma once

#include <cstddef>
#include <memory>

namespace bide::bench {

class StepsServer {
 public:
  // Serves started jobs `job_id(0)` to `job_id(jobs - 1)`. The first request that is held is
  // answered by the completion of the first job, the second by that of the second, and so on: so
  // must clients ask, one after the other. Whoever parks a request applies the event right behind
  // it; waiting for that on another thread would cost instructions that no server spends. Nobody
  // else is parked, so parking, too, wakes the attendant: its next deadline is nearer than it was.
  explicit StepsServer(std::size_t jobs);
  ~StepsServer();

  // Takes over a connected stream socket.
  void adopt(int fd);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bide::bench
