#include "client/stderr_tail.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "core/base/utf8_text.h"

namespace bide {
namespace {

// In the copier.
constexpr int kIn = STDIN_FILENO;
constexpr int kAnswer = STDOUT_FILENO;
constexpr int kOut = STDERR_FILENO;

// The copier runs in a fork, perhaps of a process with threads: it uses only calls that are
// async-signal-safe.
class Copier {
 public:
  void run() {
    for (;;) {
      std::array<pollfd, 2> ready{{{kIn, POLLIN, 0}, {answered_ ? -1 : kAnswer, POLLIN, 0}}};
      if (::poll(ready.data(), ready.size(), -1) < 0) continue;
      if (ready[1].revents != 0 && !asked_) on_question();
      if (ready[0].revents != 0 && !copy()) break;
    }
    answer();
  }

 private:
  // What the command has written before its end is still in the pipe, at most.
  void on_question() {
    asked_ = true;
    int bytes = 0;
    if (::ioctl(kIn, FIONREAD, &bytes) == 0) left_ = bytes;
    if (left_ <= 0) answer();
  }

  // False: nothing follows, or nobody reads it.
  bool copy() {
    const ssize_t count = ::read(kIn, buffer_.data(), buffer_.size());
    if (count < 0) return errno == EINTR;
    if (count == 0) return false;
    keep({buffer_.data(), static_cast<std::size_t>(count)});
    if (!pass_on({buffer_.data(), static_cast<std::size_t>(count)})) return false;
    left_ -= count;
    if (asked_ && left_ <= 0) answer();
    return true;
  }

  // False: the reader has gone. Other errors, such as a full disk, lose these bytes, as they would
  // have without the copier.
  static bool pass_on(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(kOut, bytes.data(), bytes.size());
      if (count >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN) {  // It is shared with a program that does not want to block.
        pollfd room{kOut, POLLOUT, 0};
        ::poll(&room, 1, -1);
      } else if (errno != EINTR) {
        return errno != EPIPE;
      }
    }
    return true;
  }

  void keep(std::string_view bytes) {
    bytes = bytes.substr(bytes.size() - std::min(bytes.size(), tail_.size()));
    const std::size_t kept = std::min(size_, tail_.size() - bytes.size());
    std::memmove(tail_.data(), tail_.data() + (size_ - kept), kept);
    std::memcpy(tail_.data() + kept, bytes.data(), bytes.size());
    size_ = kept + bytes.size();
  }

  void answer() {
    if (std::exchange(answered_, true)) return;
    ::send(kAnswer, tail_.data(), size_, MSG_NOSIGNAL);
    ::close(kAnswer);
  }

  std::array<char, 65536> buffer_{};
  std::array<char, StderrTail::kBytesMax> tail_{};
  std::size_t size_ = 0;
  ssize_t left_ = 0;  // What has still to be passed on before the answer.
  bool asked_ = false;
  bool answered_ = false;
};

// In a process group of its own and with all signals blocked: signals for bide or the command are
// not for the copier.
[[noreturn]] void be_copier(int in, int answer) {
  ::setpgid(0, 0);
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  // Both are above 2, because the standard streams are open.
  ::dup2(in, kIn);
  ::dup2(answer, kAnswer);
  ::close_range(kOut + 1, ~0U, 0);
  static Copier copier;  // Too large for a small stack.
  copier.run();
  ::_exit(0);
}

void close_all(std::array<int, 2> fds) {
  for (const int fd : fds) ::close(fd);
}

}  // namespace

std::optional<StderrTail> StderrTail::start() {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return std::nullopt;
  std::array<int, 2> answer{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, answer.data()) != 0) {
    close_all(pipe);
    return std::nullopt;
  }
  const pid_t copier = ::fork();
  if (copier == 0) be_copier(pipe[0], answer[1]);
  ::close(pipe[0]);
  ::close(answer[1]);
  if (copier > 0) return StderrTail(pipe[1], answer[0]);
  ::close(pipe[1]);
  ::close(answer[0]);
  return std::nullopt;
}

StderrTail::StderrTail(StderrTail&& other) noexcept
    : write_end_(std::exchange(other.write_end_, -1)), answer_(std::exchange(other.answer_, -1)) {}

StderrTail& StderrTail::operator=(StderrTail&& other) noexcept {
  std::swap(write_end_, other.write_end_);
  std::swap(answer_, other.answer_);
  return *this;
}

StderrTail::~StderrTail() {
  close_write_end();
  if (answer_ >= 0) ::close(answer_);
}

void StderrTail::close_write_end() {
  if (write_end_ >= 0) ::close(std::exchange(write_end_, -1));
}

void StderrTail::ask() {
  close_write_end();
  ::shutdown(answer_, SHUT_WR);
}

std::string StderrTail::take() {
  std::array<char, kBytesMax> tail{};
  const ssize_t count = ::recv(answer_, tail.data(), tail.size(), MSG_DONTWAIT);
  return last_lines({tail.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))});
}

std::string last_lines(std::string_view tail) {
  if (tail.size() >= StderrTail::kBytesMax) {  // Its first line may be cut.
    const std::size_t end = tail.find('\n');
    if (end != std::string_view::npos && end + 1 < tail.size()) tail.remove_prefix(end + 1);
  }
  while (tail.ends_with('\n') || tail.ends_with('\r')) tail.remove_suffix(1);
  return as_utf8(tail);
}

}  // namespace bide
