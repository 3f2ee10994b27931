#include "server/net/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/base/start_error.h"
#include "server/log/log.h"
#include "server/net/descriptor_reserve.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

// On one socket, before the others have their turn.
constexpr int kAcceptsPerTurn = 256;
// When it stops: as many as can have waited.
constexpr int kAcceptsAtEnd = SOMAXCONN;

// While descriptors are short: how often to look whether one has become free.
constexpr milliseconds kReservePause{10};
constexpr int kPausesPerLook = 20;
// Between two attempts to listen anew.
constexpr int kReopenPauseMs = 100;

// Whether accept(2) failed because of the machine, which may have recovered a little later.
bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Whether the listening socket itself is no good any more: somebody has destroyed it (`ss -K`).
bool is_broken(int error) {
  return error == EINVAL || error == EBADF || error == ENOTSOCK || error == EOPNOTSUPP;
}

}  // namespace

Acceptor::Acceptor(Front& front) : front_(front), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_.get() < 0) throw StartError(std::string("no eventfd: ") + std::strerror(errno));
}

Acceptor::~Acceptor() { stop(); }

ListenAddress Acceptor::listen(const ListenAddress& address, mode_t unix_mode) {
  return listeners_.emplace_back(address, unix_mode).address();
}

void Acceptor::start() {
  watched_.assign(listeners_.size() + 1, {-1, POLLIN, 0});
  watched_.back().fd = wake_.get();
  thread_ = std::thread([this] { run(); });
}

void Acceptor::stop() {
  if (!thread_.joinable()) return;
  stopping_.request();
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
  for (const Listener& listener : listeners_) {
    // The kernel resets those who are still waiting when the socket is closed.
    if (listener.fd() >= 0) static_cast<void>(accept_some(listener, kAcceptsAtEnd));
  }
  listeners_.clear();
}

void Acceptor::run() {
  while (!stopping_.requested()) {
    bool all_listen = true;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      watched_[i].fd = listeners_[i].fd();
      all_listen = all_listen && watched_[i].fd >= 0;
    }
    if (::poll(watched_.data(), watched_.size(), all_listen ? -1 : kReopenPauseMs) < 0) continue;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      Listener& listener = listeners_[i];
      if (listener.fd() < 0) {
        reopen(listener);
      } else if (watched_[i].revents != 0 && !accept_some(listener, kAcceptsPerTurn)) {
        listener.close();
      }
    }
  }
}

bool Acceptor::accept_some(const Listener& listener, int most) {
  const bool plain = listener.address().is_unix();
  for (int i = 0; i < most; ++i) {
    const int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      front_.adopt(below_reserve(fd), plain);
      continue;
    }
    if (errno == EAGAIN) return true;
    if (is_broken(errno)) return false;
    if (!is_shortage(errno)) continue;  // This client has gone, or its network (accept(2)).
    stopping_.wait_for(kReservePause);
    return true;
  }
  return true;
}

int Acceptor::below_reserve(int fd) {
  bool told = false;
  for (int pauses = 0; !is_below_reserve(fd) && !stopping_.requested(); ++pauses) {
    // Looking for idle connections takes longer than looking at the descriptor.
    if (pauses % kPausesPerLook != 0 || !front_.make_room()) {
      if (!std::exchange(told, true)) {
        static LogLimit limit;
        log_warn_limited(
            limit, "out of file descriptors; new clients wait until others leave (see ulimit -n)",
            {{"connections", std::uint64_t{front_.connections()}}});
      }
      stopping_.wait_for(kReservePause);
    }
    fd = moved_below_reserve(fd);
  }
  return fd;
}

void Acceptor::reopen(Listener& listener) {
  static LogLimit trying;
  static LogLimit failed;
  log_warn_limited(trying, "accepting failed; listening anew");
  try {
    listener.open();
  } catch (const std::exception& error) {  // StartError, or out of memory.
    log_warn_limited(failed, error.what());
  }
}

}  // namespace bide
