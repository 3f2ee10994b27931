// server/pool.h: The threads that serve connections: they wait for sockets and for tasks in one
// place, epoll.
//
// A socket is registered one-shot: when it is ready exactly one thread is told, and nobody is told
// again until it is armed anew. So a connection has one owner at a time and an idle one has no
// thread.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <httplib.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "core/job_table.h"
#include "core/mutex.h"

namespace bide {

class Pool final : public httplib::TaskQueue, public Crew {
 public:
  // Called on a pool thread for a socket that is ready; `key` is what it was armed with, `events`
  // are epoll's.
  using OnReady = std::function<void(std::uint64_t key, std::uint32_t events)>;

  // Throws std::system_error when the kernel refuses an epoll or event descriptor.
  explicit Pool(OnReady on_ready);
  ~Pool() override;
  void start(std::size_t threads);

  // Registers a socket, armed for `events` (EPOLLIN, ...) once. False: the kernel is out of memory
  // or watches.
  [[nodiscard]] bool add(int fd, std::uint32_t events, std::uint64_t key);
  // Arms a registered socket again. Only its owner may; from then on it owns it no more.
  void arm(int fd, std::uint32_t events, std::uint64_t key);

  // Runs `task` on a pool thread. Tasks still queued at shutdown() are run by it.
  void enqueue(std::function<void()> task) override;
  void run(std::function<void()> task) override { enqueue(std::move(task)); }
  // Ends the threads and joins them.
  void shutdown() override;

 private:
  void work();
  bool run_one_task();

  const OnReady on_ready_;
  int epoll_fd_ = -1;
  int task_fd_ = -1;  // eventfd, semaphore: readable once for every queued task.
  int stop_fd_ = -1;  // eventfd: readable for good once shutdown() was called.
  Mutex mutex_;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace bide
