// client/board.h: The states of all jobs that a command waits for. The threads that wait write
// them; the thread that shows them reads.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/exit_code.h"
#include "client/job_summary.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace bide {

// The known state of one job.
struct JobView {
  std::string id;
  std::optional<Status> status;  // nullopt: nothing yet.
  JobSummary summary;
  // The server's bytes: JSON, or the status word. Null: nothing yet.
  std::shared_ptr<const std::string> representation;
  bool absent = false;           // The server says that the job does not exist yet.
  std::string trouble;           // Why requests fail at the moment; empty: they do not.
  std::string complaint;         // Why the wait ended without a status; empty: it did not.
  std::optional<ExitCode> code;  // Set when the wait for this job is over.
};

class Board {
 public:
  explicit Board(const std::vector<std::string>& ids);

  // Runs `change` on job `index` and wakes the reader. `change` runs under the lock, so it must not
  // call the board.
  void update(std::size_t index, const std::function<void(JobView&)>& change);
  // Blocks until there is a version later than `seen`, or until `until`. Sets `seen` to the version
  // that is returned.
  [[nodiscard]] std::vector<JobView> wait_for_news(std::uint64_t& seen, TimePoint until);

  // Blocks until `until` or stop(). False: stopped.
  [[nodiscard]] bool pause_until(TimePoint until);
  // Ends all pauses; the remaining jobs are not needed any more.
  void stop();

 private:
  Mutex mutex_;
  CondVar news_;
  CondVar stop_;
  std::vector<JobView> jobs_ GUARDED_BY(mutex_);
  std::uint64_t version_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace bide
