// server/net/pool.h: The threads that serve connections: each waits for its share of the sockets,
// and for tasks, in an epoll of its own. One more thread watches no sockets. It runs bulk: tasks of
// many milliseconds.
//
// A socket stays with one thread, registered once and edge-triggered: serving a request costs no
// epoll_ctl, and what the processor knows of a connection stays in one core's cache. One epoll for
// all, with one-shot registrations, was a sixth slower on two cores.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/executor.h"
#include "core/base/mutex.h"

namespace bide {

class Pool final : public Executor {
 public:
  // Called on a pool thread when something happened at a socket. `key`: as given to watch().
  // `events`: epoll's, all that happened since the last call.
  using OnEvents = std::function<void(std::uint64_t key, std::uint32_t events)>;

  // Throws std::system_error when the kernel refuses an event descriptor.
  explicit Pool(OnEvents on_events);
  ~Pool() override;
  // `threads`: those that watch sockets. Throws std::system_error when the kernel refuses an epoll
  // descriptor or a thread.
  void start(std::size_t threads);

  // Has the thread with the fewest sockets watch one more, for `events` (EPOLLIN, ...); after
  // start(). Returns the number of that thread, for watch_for() and forget(). nullopt: the kernel
  // is out of memory or watches. Closing the socket ends the watch; call forget() then.
  [[nodiscard]] std::optional<std::uint8_t> watch(int fd, std::uint32_t events, std::uint64_t key);
  // Watches for other events instead; those that hold already are reported again. Called by the
  // owner of a watched socket.
  void watch_for(int fd, std::uint32_t events, std::uint8_t thread, std::uint64_t key);
  void forget(std::uint8_t thread);

  // Runs `task` on a pool thread. shutdown() runs the tasks that are still queued.
  void enqueue(std::function<void()> task) { put(std::move(task), Queue::kTasks); }
  // The same for tasks of about a millisecond. Before each of them a thread serves its sockets and
  // plain tasks.
  void enqueue_laborious(std::function<void()> task) { put(std::move(task), Queue::kLabours); }
  // The same for the next turn of a connection that has more to send than fits into one: before
  // each turn a thread serves its sockets, plain tasks and one laborious task.
  void enqueue_turn(std::function<void()> task) { put(std::move(task), Queue::kTurns); }
  // The same for bulk, on its own thread and in the order given. No socket waits for it. The caller
  // limits how long one client's bulk delays that of others.
  void enqueue_bulk(std::function<void()> task) { put(std::move(task), Queue::kBulk); }
  void run(std::function<void()> task) override { enqueue(std::move(task)); }
  // Its run() is enqueue_bulk().
  [[nodiscard]] Executor& bulk() { return bulk_; }
  // Ends the threads and joins them.
  void shutdown();

 private:
  enum class Queue : std::uint8_t { kTasks, kLabours, kTurns, kBulk };
  static constexpr std::size_t kQueues = 4;
  void work(int epoll_fd);
  void work_behind_tasks(Queue queue);
  void put(std::function<void()> task, Queue queue);
  bool run_one(Queue queue);                              // False: there was none.
  [[nodiscard]] std::function<void()> take(Queue queue);  // Null: there is none.

  class Bulk final : public Executor {
   public:
    explicit Bulk(Pool& pool) : pool_(pool) {}
    void run(std::function<void()> task) override { pool_.enqueue_bulk(std::move(task)); }

   private:
    Pool& pool_;
  };

  const OnEvents on_events_;
  Bulk bulk_{*this};
  // By Queue. Each is an eventfd used as a semaphore: readable once for every queued task.
  std::array<int, kQueues> task_fds_{-1, -1, -1, -1};
  int stop_fd_ = -1;  // eventfd: stays readable after shutdown().
  int bulk_epoll_fd_ = -1;
  // One for each thread that watches sockets; constant between start() and the destructor.
  struct Watch {
    explicit Watch(int fd) : epoll_fd(fd) {}
    const int epoll_fd;
    std::atomic<std::uint32_t> sockets{0};
  };
  std::deque<Watch> watches_;
  Mutex mutex_;
  std::array<std::deque<std::function<void()>>, kQueues> tasks_ GUARDED_BY(mutex_);  // By Queue.
  std::vector<std::thread> threads_;
};

}  // namespace bide
