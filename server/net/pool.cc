#include "server/net/pool.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace bide {
namespace {

constexpr std::uint64_t kTaskKey = UINT64_MAX;
constexpr std::uint64_t kStopKey = UINT64_MAX - 1;
constexpr std::uint64_t kLabourKey = UINT64_MAX - 2;
constexpr std::uint64_t kTurnKey = UINT64_MAX - 3;
constexpr std::uint64_t kBulkKey = UINT64_MAX - 4;
// How many tasks come before one of another queue, at most: neither may starve the other.
constexpr int kTasksBeforeOthers = 32;
constexpr int kEventsPerWait = 64;
constexpr std::size_t kThreadsMax = 256;  // So that a number fits into a byte.

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

void signal(int event_fd) {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the descriptor is readable as it should be.
  [[maybe_unused]] const ssize_t written = ::write(event_fd, &one, sizeof one);
}

void watch_eventfd(int epoll_fd, int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{events, {.u64 = key}};
  checked(::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

}  // namespace

Pool::Pool(OnEvents on_events) : on_events_(std::move(on_events)) {
  for (int& fd : task_fds_) {
    fd = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), "eventfd");
  }
  stop_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

Pool::~Pool() {
  shutdown();
  for (const Watch& watch : watches_) ::close(watch.epoll_fd);
  if (bulk_epoll_fd_ >= 0) ::close(bulk_epoll_fd_);
  for (const int fd : task_fds_) ::close(fd);
  ::close(stop_fd_);
}

void Pool::start(std::size_t threads) {
  for (std::size_t i = 0; i < std::min(threads, kThreadsMax); ++i) {
    const int epoll_fd = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    watches_.emplace_back(epoll_fd);
    for (const auto& [queue, key] : {std::pair(Queue::kTasks, kTaskKey),
                                     {Queue::kLabours, kLabourKey},
                                     {Queue::kTurns, kTurnKey}}) {
      const int fd = task_fds_[static_cast<std::size_t>(queue)];
      watch_eventfd(epoll_fd, fd, EPOLLIN | EPOLLEXCLUSIVE, key);
    }
    watch_eventfd(epoll_fd, stop_fd_, EPOLLIN, kStopKey);
  }
  bulk_epoll_fd_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch_eventfd(bulk_epoll_fd_, task_fds_[static_cast<std::size_t>(Queue::kBulk)], EPOLLIN,
                kBulkKey);
  watch_eventfd(bulk_epoll_fd_, stop_fd_, EPOLLIN, kStopKey);
  threads_.emplace_back([this] { work(bulk_epoll_fd_); });
  for (const Watch& watch : watches_) {
    threads_.emplace_back([this, epoll_fd = watch.epoll_fd] { work(epoll_fd); });
  }
}

std::optional<std::uint8_t> Pool::watch(int fd, std::uint32_t events, std::uint64_t key) {
  const auto fewest =
      std::min_element(watches_.begin(), watches_.end(), [](const Watch& a, const Watch& b) {
        return a.sockets.load(std::memory_order_relaxed) <
               b.sockets.load(std::memory_order_relaxed);
      });
  epoll_event event{events | EPOLLET, {.u64 = key}};
  if (::epoll_ctl(fewest->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) return std::nullopt;
  fewest->sockets.fetch_add(1, std::memory_order_relaxed);
  return static_cast<std::uint8_t>(fewest - watches_.begin());
}

void Pool::watch_for(int fd, std::uint32_t events, std::uint8_t thread, std::uint64_t key) {
  epoll_event event{events | EPOLLET, {.u64 = key}};
  ::epoll_ctl(watches_[thread].epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

void Pool::forget(std::uint8_t thread) {
  watches_[thread].sockets.fetch_sub(1, std::memory_order_relaxed);
}

void Pool::put(std::function<void()> task, Queue queue) {
  const auto which = static_cast<std::size_t>(queue);
  {
    MutexLock lock(mutex_);
    tasks_[which].push_back(std::move(task));
  }
  signal(task_fds_[which]);
}

bool Pool::run_one(Queue queue) {
  const auto which = static_cast<std::size_t>(queue);
  std::uint64_t one = 0;
  if (::read(task_fds_[which], &one, sizeof one) != sizeof one) return false;
  if (const std::function<void()> task = take(queue)) task();
  return true;
}

std::function<void()> Pool::take(Queue queue) {
  MutexLock lock(mutex_);
  auto& tasks = tasks_[static_cast<std::size_t>(queue)];
  if (tasks.empty()) return nullptr;
  std::function<void()> task = std::move(tasks.front());
  tasks.pop_front();
  return task;
}

void Pool::work(int epoll_fd) {
  std::array<epoll_event, kEventsPerWait> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_fd, events.data(), kEventsPerWait, -1);
    bool laborious = false;
    bool turns = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      switch (event.data.u64) {
        case kStopKey:
          return;
        case kTaskKey:
          run_one(Queue::kTasks);
          break;
        case kBulkKey:
          run_one(Queue::kBulk);
          break;
        case kLabourKey:
          laborious = true;
          break;
        case kTurnKey:
          turns = true;
          break;
        default:
          on_events_(event.data.u64, event.events);
      }
    }
    if (laborious) work_behind_tasks(Queue::kLabours);
    if (turns) work_behind_tasks(Queue::kTurns);
  }
}

void Pool::work_behind_tasks(Queue queue) {
  for (int i = 0; i < kTasksBeforeOthers && run_one(Queue::kTasks); ++i) {
  }
  run_one(queue);
}

void Pool::shutdown() {
  signal(stop_fd_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (;;) {  // A task may enqueue one of another kind.
    std::function<void()> task = take(Queue::kTasks);
    if (!task) task = take(Queue::kLabours);
    if (!task) task = take(Queue::kTurns);
    if (!task) task = take(Queue::kBulk);
    if (!task) return;
    task();
  }
}

}  // namespace bide
