// server/pool.h: The threads that serve connections: each waits for its share of the sockets, and
// for tasks, in an epoll of its own.
//
// A socket stays with one thread, registered once and edge-triggered: serving a request costs no
// epoll_ctl, and what the processor knows of a connection stays in one core's cache. One epoll for
// all, with one-shot registrations, was a sixth slower on two cores.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <httplib.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "core/job_table.h"
#include "core/mutex.h"

namespace bide {

class Pool final : public httplib::TaskQueue, public Crew {
 public:
  // Called on a pool thread when something happened at a socket; `key` is what it was added with,
  // `events` are epoll's. It comes once for all that has happened until the thread looks.
  using OnEvents = std::function<void(std::uint64_t key, std::uint32_t events)>;

  // Throws std::system_error when the kernel refuses an event descriptor.
  explicit Pool(OnEvents on_events);
  ~Pool() override;
  // Throws std::system_error when the kernel refuses an epoll descriptor.
  void start(std::size_t threads);

  // Has the thread with the fewest sockets watch one more, for `events` (EPOLLIN, ...); after
  // start(). Which one it is: a number to give back. nullopt: the kernel is out of memory or
  // watches. Closing the socket ends the watch; say forget() then.
  [[nodiscard]] std::optional<std::uint8_t> watch(int fd, std::uint32_t events, std::uint64_t key);
  // Watches for other events instead; those that hold already are told anew. For the owner of a
  // socket that is watched.
  void watch_for(int fd, std::uint32_t events, std::uint8_t thread, std::uint64_t key);
  void forget(std::uint8_t thread);

  // Runs `task` on a pool thread. Tasks still queued at shutdown() are run by it.
  void enqueue(std::function<void()> task) override;
  void run(std::function<void()> task) override { enqueue(std::move(task)); }
  // Ends the threads and joins them.
  void shutdown() override;

 private:
  void work(int epoll_fd);
  bool run_one_task();

  const OnEvents on_events_;
  int task_fd_ = -1;  // eventfd, semaphore: readable once for every queued task.
  int stop_fd_ = -1;  // eventfd: readable for good once shutdown() was called.
  // One a thread; constant between start() and the destructor.
  struct Watch {
    explicit Watch(int fd) : epoll_fd(fd) {}
    const int epoll_fd;
    std::atomic<std::uint32_t> sockets{0};
  };
  std::deque<Watch> watches_;
  Mutex mutex_;
  std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace bide
