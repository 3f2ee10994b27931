// bench/probe/server_process.h: The memory, processor time and threads of the measured server, as
// the kernel counts them. A server may be several processes (nginx).
//
// Thread safety: const methods only.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace bench {

class ServerProcess {
 public:
  explicit ServerProcess(std::vector<int> pids) : pids_(std::move(pids)) {}

  // Proportional set size: what the processes share is counted once.
  [[nodiscard]] std::int64_t pss_bytes() const;
  [[nodiscard]] std::chrono::nanoseconds cpu() const;
  [[nodiscard]] int threads() const;
  // Blocks until it has used no processor for a while (it has taken in all it was sent), a minute
  // at most. The same yardstick for every server, and asks none of them anything.
  void wait_quiet() const;

 private:
  const std::vector<int> pids_;
};

}  // namespace bench
