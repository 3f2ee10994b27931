#include "server/pool.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace bide {
namespace {

constexpr std::uint64_t kTaskKey = UINT64_MAX;
constexpr std::uint64_t kStopKey = UINT64_MAX - 1;
// Few at a time, so that one thread does not take a whole burst while the other sleeps.
constexpr int kEventsPerWait = 16;

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

void signal(int event_fd) {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the descriptor is readable as it should be.
  [[maybe_unused]] const ssize_t written = ::write(event_fd, &one, sizeof one);
}

}  // namespace

Pool::Pool(OnReady on_ready) : on_ready_(std::move(on_ready)) {
  epoll_fd_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  task_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), "eventfd");
  stop_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  for (const auto& [fd, key] : {std::pair{task_fd_, kTaskKey}, std::pair{stop_fd_, kStopKey}}) {
    epoll_event event{EPOLLIN, {.u64 = key}};
    checked(::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
}

Pool::~Pool() {
  shutdown();
  for (const int fd : {epoll_fd_, task_fd_, stop_fd_}) ::close(fd);
}

void Pool::start(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

bool Pool::add(int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{events | EPOLLONESHOT, {.u64 = key}};
  return ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Pool::arm(int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{events | EPOLLONESHOT, {.u64 = key}};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
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

void Pool::work() {
  std::array<epoll_event, kEventsPerWait> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_fd_, events.data(), kEventsPerWait, -1);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
      if (key == kStopKey) return;
      if (key != kTaskKey) {
        on_ready_(key, events[static_cast<std::size_t>(i)].events);
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
