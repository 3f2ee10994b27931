// client/request_threads.h: Threads that make requests which the server holds, and how they end.
//
// HttpConnection::cancel() does not affect a request that is about to begin. So the end cancels
// again every 20 ms, until all threads have returned.
//
// Thread safety: one thread uses it. It manages its own threads.
#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace bide {

class RequestThreads {
 public:
  RequestThreads() = default;
  // Calls end().
  ~RequestThreads();
  RequestThreads(const RequestThreads&) = delete;
  RequestThreads& operator=(const RequestThreads&) = delete;

  // Calls `run` on a new thread. end() calls `cancel`, perhaps several times and after `run` has
  // returned: it ends the present request, if there is one, and must not block. Throws
  // std::system_error if no thread can be made.
  void start(std::function<void()> run, std::function<void()> cancel);
  // Blocks until all threads have returned; while one is connecting, for 5 s at most. Before, the
  // caller makes sure that `run` returns once its request was cancelled.
  void end();

 private:
  std::vector<std::function<void()>> cancels_;
  std::vector<std::jthread> threads_;

  Mutex mutex_;
  CondVar returned_;
  std::size_t running_ GUARDED_BY(mutex_) = 0;
};

}  // namespace bide
