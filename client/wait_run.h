// client/wait_run.h: Waits for jobs, each on a thread and a connection of its own, and shows how
// they stand.
//
// A thread a job is fine here, where it would not be in the server: 256 at most, on somebody's own
// machine, and each mostly asleep in one read.
//
// Thread safety: none; the threads are its own affair.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/board.h"
#include "client/display.h"
#include "client/goal.h"
#include "client/reply.h"
#include "client/results.h"

namespace bide {

inline constexpr std::size_t kJobsPerWaitMax = 256;

struct WaitPlan {
  std::vector<std::string> ids;  // Distinct, 1..kJobsPerWaitMax.
  Goal goal;
  std::chrono::milliseconds timeout{600'000};
  bool any = false;  // The first job that is over decides.
  Output output = Output::kText;
  Display::Options display;
};

class WaitRun {
 public:
  using MakeSource = std::function<std::unique_ptr<JobSource>(const std::string& id)>;

  WaitRun(const WaitPlan& plan, const MakeSource& make_source);
  // Ends the threads: at once, but for one that is just connecting (at most 5 s).
  ~WaitRun();
  WaitRun(const WaitRun&) = delete;
  WaitRun& operator=(const WaitRun&) = delete;

  // Blocks until the jobs are over (with `any`: one of them) or the timeout. Data goes to `out`,
  // everything else to `err`. Once.
  [[nodiscard]] ExitCode run(std::ostream& out, std::ostream& err);

 private:
  void pursue(std::size_t index, std::uint32_t seed);
  [[nodiscard]] std::string new_results(const std::vector<JobView>& jobs);
  [[nodiscard]] ExitCode conclude(const std::vector<JobView>& jobs, std::ostream& out,
                                  std::ostream& err);

  const WaitPlan plan_;
  const TimePoint start_;
  const TimePoint deadline_;
  Board board_;
  Display display_;
  std::vector<bool> reported_;
  std::vector<std::unique_ptr<JobSource>> sources_;
  std::atomic<int> running_{0};  // Below zero for a moment where a thread ends early.
  std::vector<std::jthread> threads_;
};

}  // namespace bide
