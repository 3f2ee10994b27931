#include "bench/probe/crowd.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace bench {
namespace {

constexpr std::size_t kSpareDescriptors = 50;

}  // namespace

Crowd::Crowd(int clients)
    : clients_(static_cast<std::size_t>(clients)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  need_descriptors(clients_.size() + kSpareDescriptors);
}

Crowd::~Crowd() {
  disconnect();
  ::close(epoll_);
}

void Crowd::watch(int client, int fd, std::uint32_t events) {
  clients_[static_cast<std::size_t>(client)].fd = fd;
  epoll_event event{events, {.u32 = static_cast<std::uint32_t>(client)}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Crowd::connect(const Address& address) {
  for (int i = 0; i < size(); ++i) watch(i, address.dial(), EPOLLIN);
}

void Crowd::connect_burst(const Address& address) {
  for (int i = 0; i < size(); ++i) watch(i, address.dial_begin(), EPOLLOUT | EPOLLONESHOT);
}

Crowd::Counts Crowd::wait_connected(std::chrono::milliseconds patience) {
  std::array<epoll_event, 512> events;
  const Time end = std::chrono::steady_clock::now() + patience;
  Counts counts;
  while (counts.answered + counts.lost < size() && std::chrono::steady_clock::now() < end) {
    const int ready = ::epoll_wait(epoll_, events.data(), events.size(), 100);
    for (int i = 0; i < ready; ++i) {
      const auto client = static_cast<int>(events[static_cast<std::size_t>(i)].data.u32);
      const int fd = clients_[static_cast<std::size_t>(client)].fd;
      const bool failed = (events[static_cast<std::size_t>(i)].events & EPOLLERR) != 0;
      ++(failed ? counts.lost : counts.answered);
      epoll_event event{EPOLLIN, {.u32 = static_cast<std::uint32_t>(client)}};
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    }
  }
  return counts;
}

void Crowd::disconnect() {
  for (int i = 0; i < size(); ++i) close(i);
}

void Crowd::close(int client) {
  Client& of = clients_[static_cast<std::size_t>(client)];
  if (of.fd >= 0) ::close(of.fd);
  of = Client();
}

bool Crowd::ask(int client, const std::string& request) {
  const int fd = clients_[static_cast<std::size_t>(client)].fd;
  return fd >= 0 && ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                        static_cast<ssize_t>(request.size());
}

Crowd::Counts Crowd::collect(int wanted, std::chrono::milliseconds patience,
                             const OnAnswer& on_answer) {
  std::array<epoll_event, 512> events;
  const Time end = std::chrono::steady_clock::now() + patience;
  Counts counts;
  while (counts.answered + counts.lost < wanted) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    const int ready =
        ::epoll_wait(epoll_, events.data(), events.size(), static_cast<int>(left.count()));
    const Time now = std::chrono::steady_clock::now();
    for (int i = 0; i < ready; ++i) {
      read(static_cast<int>(events[static_cast<std::size_t>(i)].data.u32), now, counts, on_answer);
    }
  }
  return counts;
}

void Crowd::read(int client, Time when, Counts& counts, const OnAnswer& on_answer) {
  thread_local std::array<char, 65536> buffer;
  Client& of = clients_[static_cast<std::size_t>(client)];
  const ssize_t got = ::recv(of.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    ++counts.lost;
    return close(client);
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  // As a rule it is one whole response. Then nothing is copied: what the client takes is as long
  // for all servers, and makes them look more alike than they are.
  if (const auto whole = of.reader.empty() ? parse_response(bytes) : std::nullopt;
      whole && whole->head.size() + whole->body.size() == bytes.size()) {
    ++counts.answered;
    return on_answer(client, *whole, when);
  }
  of.reader.feed(bytes);
  while (const auto response = of.reader.take()) {
    ++counts.answered;
    on_answer(client, *response, when);
  }
}

}  // namespace bench
