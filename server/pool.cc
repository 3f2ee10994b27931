#include "server/pool.h"

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
  task_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), "eventfd");
  stop_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

Pool::~Pool() {
  shutdown();
  for (const Watch& watch : watches_) ::close(watch.epoll_fd);
  for (const int fd : {task_fd_, stop_fd_}) ::close(fd);
}

void Pool::start(std::size_t threads) {
  for (std::size_t i = 0; i < std::min(threads, kThreadsMax); ++i) {
    const int epoll_fd = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    watches_.emplace_back(epoll_fd);
    watch_eventfd(epoll_fd, task_fd_, EPOLLIN | EPOLLEXCLUSIVE, kTaskKey);
    watch_eventfd(epoll_fd, stop_fd_, EPOLLIN, kStopKey);
  }
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

void Pool::enqueue(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  signal(task_fd_);
}

bool Pool::run_one_task() {
  std::function<void()> task;
  {
    MutexLock lock(mutex_);
    if (tasks_.empty()) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  return true;
}

void Pool::work(int epoll_fd) {
  std::array<epoll_event, kEventsPerWait> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_fd, events.data(), kEventsPerWait, -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
      if (key == kStopKey) return;
      if (key != kTaskKey) {
        on_events_(key, events[static_cast<std::size_t>(i)].events);
        continue;
      }
      std::uint64_t one = 0;
      if (::read(task_fd_, &one, sizeof one) == sizeof one) run_one_task();
    }
  }
}

void Pool::shutdown() {
  signal(stop_fd_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  while (run_one_task()) {
  }
}

}  // namespace bide
