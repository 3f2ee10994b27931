#include "bench/peers/floor_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "bench/peers/command_line.h"

namespace peers {
namespace {

bool contains(std::string_view text, std::string_view wanted) {
  return ::memmem(text.data(), text.size(), wanted.data(), wanted.size()) != nullptr;
}

int listen_at(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // Accepted sockets inherit it: a system call less for each.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, SOMAXCONN) != 0) {
    die("cannot listen: " + std::string(::strerror(errno)));
  }
  return fd;
}

}  // namespace

FloorLoop::FloorLoop(int port, const Replies& replies, const Report& report,
                     std::list<FloorLoop>& all)
    : replies_(replies),
      report_(report),
      all_(all),
      listener_(listen_at(port)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      told_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  watch(listener_);
  watch(told_);
}

void FloorLoop::run() {
  std::array<epoll_event, 512> events;
  for (;;) {
    const int ready = ::epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener_) {
        accept_all();
      } else if (fd == told_) {
        wake_told();
      } else {
        read(fd);
      }
    }
  }
}

void FloorLoop::tell(std::string_view job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_told_.emplace_back(job);
  }
  ::eventfd_write(told_, 1);
}

void FloorLoop::watch(int fd) {
  // Without EPOLLRDHUP: a client that leaves makes its socket readable, too.
  epoll_event event{EPOLLIN, {.fd = fd}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll takes no more");
}

void FloorLoop::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const auto index = static_cast<std::size_t>(fd);
    if (list_of_.size() <= index) list_of_.resize(index + 1);
    watch(fd);
  }
}

void FloorLoop::read(int fd) {
  const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  const bool parked = list_of_[static_cast<std::size_t>(fd)] != nullptr;
  if (parked) unpark(fd);  // It left, or did not wait for its answer, which is not supported.
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (parked || !contains(bytes, "\r\n\r\n")) {
    ::close(fd);
  } else {
    answer(fd, bytes);
  }
}

void FloorLoop::answer(int fd, std::string_view head) {
  constexpr std::string_view kJobs = " /job/";
  std::string_view target = head.substr(0, head.find("\r\n"));
  const std::size_t jobs = target.find(kJobs);
  if (jobs == target.npos) return send(fd, replies_.ok);  // Such as /livez.
  target.remove_prefix(jobs + kJobs.size());
  const std::string_view job = target.substr(0, target.find_first_of("?/ "));
  if (report_ && target.substr(job.size()).starts_with("/events ")) return report_(fd, job);
  if (head.starts_with("POST")) {
    for (FloorLoop& loop : all_) loop.tell(job);
    return send(fd, replies_.no_content);
  }
  if (!contains(head, "If-None-Match:")) return send(fd, replies_.ok);
  if (!contains(target, "wait=")) return send(fd, replies_.not_modified);
  park(fd, job);
}

void FloorLoop::park(int fd, std::string_view job) {
  Parked::value_type& list = *parked_.try_emplace(std::string(job)).first;
  list.second.push_back(fd);
  list_of_[static_cast<std::size_t>(fd)] = &list;
}

void FloorLoop::unpark(int fd) {
  std::vector<int>& list = std::exchange(list_of_[static_cast<std::size_t>(fd)], nullptr)->second;
  *std::find(list.begin(), list.end(), fd) = list.back();
  list.pop_back();
}

void FloorLoop::wake_told() {
  eventfd_t count = 0;
  ::eventfd_read(told_, &count);
  std::vector<std::string> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_told_);
  }
  for (const std::string& job : jobs) {
    const auto found = parked_.find(job);
    if (found == parked_.end()) continue;
    for (const int fd : std::exchange(found->second, {})) {
      list_of_[static_cast<std::size_t>(fd)] = nullptr;
      send(fd, replies_.ok);
    }
  }
}

void FloorLoop::send(int fd, const std::string& reply) {
  const ssize_t sent = ::send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
  // Closed once epoll reports it: its number must not go to the other thread while an event of this
  // one may still be among those to be handled.
  if (sent != static_cast<ssize_t>(reply.size())) ::shutdown(fd, SHUT_RDWR);
}

}  // namespace peers
