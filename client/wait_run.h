// client/wait_run.h: Waits for jobs, each on its own thread and connection, and shows their states.
//
// One thread for each job is acceptable here, unlike in the server: there are at most 256, on the
// user's own machine, and each mostly sleeps in one read.
//
// Thread safety: none; one thread uses it. It manages its own threads.
#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "client/board.h"
#include "client/display.h"
#include "client/goal.h"
#include "client/pursuit.h"
#include "client/reply.h"
#include "client/request_threads.h"
#include "client/results.h"

namespace bide {

struct WaitPlan {
  std::vector<std::string> ids;  // Distinct, 1..kJobsPerCommandMax (client/usage.h).
  // `ids` is one: the text of the labels, whose jobs are waited for (client/selection_source.h).
  bool selection = false;
  Goal goal;
  std::chrono::milliseconds timeout{600'000};
  bool any = false;        // The wait ends as soon as one job is over.
  bool fail_fast = false;  // The first job that is over and not completed ends the wait.
  Pursuit::Missing missing = Pursuit::Missing::kWait;
  Output output = Output::kText;
  // With kText: write the status words to stdout. False where stderr shows them on the same
  // terminal.
  bool words = true;
  Display::Options display;
};

class WaitRun {
 public:
  using MakeSource = std::function<std::unique_ptr<JobSource>(const std::string& id)>;

  WaitRun(const WaitPlan& plan, const MakeSource& make_source);
  // Ends the threads. Blocks while one is connecting, for 5 s at most.
  ~WaitRun();
  WaitRun(const WaitRun&) = delete;
  WaitRun& operator=(const WaitRun&) = delete;

  // Blocks until the jobs are over (with `any`: one of them) or the timeout has passed. Writes data
  // to `out` and everything else to `err`. To be called once.
  [[nodiscard]] ExitCode run(DataOut& out, std::ostream& err);

 private:
  void pursue(std::size_t index, std::uint32_t seed);
  // The job that ends the wait before all are over. Null: none yet.
  [[nodiscard]] const JobView* find_decider(const std::vector<JobView>& jobs) const;
  void write(const JobView& job, bool several, DataOut& out) const;
  void write_selection(const JobView& selection, DataOut& out) const;
  void write_new_results(const std::vector<JobView>& jobs, DataOut& out, std::ostream& err);
  [[nodiscard]] ExitCode conclude(const std::vector<JobView>& jobs, DataOut& out,
                                  std::ostream& err);

  const WaitPlan plan_;
  const TimePoint start_;
  const TimePoint deadline_;
  Board board_;
  Display display_;
  std::vector<bool> reported_;
  std::vector<std::unique_ptr<JobSource>> sources_;
  RequestThreads threads_;
};

}  // namespace bide
