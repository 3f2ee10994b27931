#include "server/net/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
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
// When it stops: from a client's SYN until it is connected. Longer while clients come, so that
// where many come, some may be further away. Those who come within this time connect a second
// later.
constexpr milliseconds kHandshake{100};
constexpr milliseconds kStopMax{1000};

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
  accept_the_last();
  listeners_.clear();
}

void Acceptor::accept_the_last() {
  watched_.pop_back();  // `wake_`.
  const auto now = [] { return std::chrono::steady_clock::now(); };
  milliseconds handshake{0};
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const ListenAddress& address = listeners_[i].address();
    watched_[i].fd = listeners_[i].fd();
    // On a socket that systemd has passed, clients may wait. Over loopback they connect in no time,
    // and to try again after a second would be worse for them than to be refused.
    if (address.passed_fd >= 0 || (is_local(address) && !address.is_unix())) continue;
    listeners_[i].turn_away_newcomers();
    if (!address.is_unix()) handshake = kHandshake;
  }
  const auto end = now() + kStopMax;
  auto quiet = now() + handshake;
  for (bool some = true; (some || now() < quiet) && now() < end;) {
    const auto left = std::chrono::ceil<milliseconds>(quiet - now());
    const int wait_ms = std::max(static_cast<int>(left.count()), 0);
    some = false;
    if (::poll(watched_.data(), watched_.size(), wait_ms) <= 0) continue;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      if (watched_[i].revents != 0) some = accept_some(listeners_[i]).value_or(false) || some;
    }
    if (some) quiet = now() + handshake;
    if (!some) std::this_thread::sleep_for(milliseconds(1));  // Descriptors are short.
  }
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
      } else if (watched_[i].revents != 0 && !accept_some(listener)) {
        listener.close();
      }
    }
  }
}

std::optional<bool> Acceptor::accept_some(const Listener& listener) {
  const bool plain = listener.address().is_unix();
  bool some = false;
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int fd = ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      front_.adopt(below_reserve(fd), plain);
      some = true;
      continue;
    }
    if (errno == EAGAIN) return some;
    if (is_broken(errno)) return std::nullopt;
    if (!is_shortage(errno)) continue;  // This client has gone, or its network (accept(2)).
    stopping_.wait_for(kReservePause);
    return some;
  }
  return some;
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
