// client/board.h: Where the threads that wait for jobs write, and the one that shows them reads.
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

// What is known of one job.
struct JobView {
  std::string id;
  std::optional<Status> status;  // nullopt: nothing yet.
  JobSummary summary;
  // As the server sent it: JSON, or the status word. Null: nothing yet.
  std::shared_ptr<const std::string> representation;
  std::string trouble;           // Why nothing is heard just now; empty: all is well.
  std::string complaint;         // Why there is no status in the end.
  std::optional<ExitCode> code;  // Set once the wait for it is over.
};

class Board {
 public:
  explicit Board(const std::vector<std::string>& ids);

  // Lets `change` edit job `index` and wakes the reader. `change` runs under the lock: no calls
  // out of it.
  void update(std::size_t index, const std::function<void(JobView&)>& change);
  // Blocks until something was written since the version the caller saw last, or `until`. Then
  // `seen` is the version returned.
  [[nodiscard]] std::vector<JobView> wait_for_news(std::uint64_t& seen, TimePoint until);

  // Blocks until `until` or stop(). False: stopped.
  [[nodiscard]] bool pause_until(TimePoint until);
  // Nobody needs the rest any more.
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
