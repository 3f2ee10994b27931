// client/followers.h: Several followers, each on a thread of its own, and their reports.
//
// Thread safety: one thread uses it. It manages its own threads.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "client/job_follower.h"
#include "client/request_threads.h"
#include "core/base/mutex.h"

namespace bide {

class Followers {
 public:
  explicit Followers(const ApiAccess& access);
  // Ends the threads. Blocks while one is connecting, for 5 s at most.
  ~Followers();
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;

  // Starts a follower and returns its number: 0, 1, …
  std::size_t follow(JobFollower::Target target);
  // Stops a follower soon, but does not wait. Some more reports of it may come.
  void leave(std::size_t number);

  struct Report {
    std::size_t from = 0;
    Followed what;
  };
  // The reports since the last call, in order. Does not block.
  [[nodiscard]] std::vector<Report> take();
  // Readable while there are reports.
  [[nodiscard]] int descriptor() const { return wake_fd_; }

 private:
  // Beyond this, followers wait for the reader, and the server skips intermediate states.
  static constexpr std::size_t kReportsMax = 4096;

  void push(std::size_t from, Followed what);

  const ApiAccess access_;
  const int wake_fd_;
  std::vector<std::unique_ptr<JobFollower>> followers_;

  Mutex mutex_;
  CondVar room_;
  std::vector<Report> reports_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;

  RequestThreads threads_;
};

}  // namespace bide
