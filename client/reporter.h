// client/reporter.h: Sends reports in their order on a thread of its own, and repeats each one
// until it is stored or refused.
//
// Thread safety: all methods from one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "client/report.h"
#include "client/retry.h"
#include "core/base/mutex.h"

namespace bide {

class Reporter {
 public:
  // `make_sender` is called on the thread. Throws std::system_error if there is no thread or
  // descriptor for it.
  explicit Reporter(std::function<std::unique_ptr<ReportSender>()> make_sender);
  // Blocks until the thread has ended, which it does soon after the deadline of finish().
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  // Never blocks. A report whose predecessor is not stored by the deadline is not sent at all.
  void add(Report report);
  // No report follows. Until now there was no deadline; now there is, and a pause is cut short.
  void finish(TimePoint deadline);
  // Leaves the thread to itself, because the process ends; the reporter must not be destroyed. It
  // may be looking up a name, which cannot be cancelled.
  void abandon() { thread_.detach(); }
  // Readable when nothing remains to be sent, or the deadline has passed.
  [[nodiscard]] int done_fd() const { return done_fd_; }
  // Why a report is not stored, in one line. Empty: all are.
  [[nodiscard]] std::string complaint();

 private:
  void work(const std::function<std::unique_ptr<ReportSender>()>& make_sender);
  std::optional<Report> next();
  void on_refused(const Report& report, const ServerRefusal& refusal);

  int done_fd_ = -1;
  Retry retry_;
  Mutex mutex_;
  CondVar added_;
  std::deque<Report> waiting_ GUARDED_BY(mutex_);  // Three at most: what `bide run` reports.
  bool finished_ GUARDED_BY(mutex_) = false;
  std::string unsent_ GUARDED_BY(mutex_);   // The report that is being sent.
  std::string trouble_ GUARDED_BY(mutex_);  // Why it is not stored yet.
  std::string refused_ GUARDED_BY(mutex_);  // The first report that was refused, and why.
  std::thread thread_;
};

}  // namespace bide
