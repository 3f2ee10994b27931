#include "server/log/line_writer.h"

#include <pthread.h>
#include <unistd.h>
#include <csignal>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <string_view>

namespace bide {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kPollMilliseconds = 100;

}  // namespace

LineWriter::LineWriter(int fd, std::size_t bytes_max, DropNote note)
    : fd_(fd), bytes_max_(bytes_max), note_(note), thread_([this] { run(); }) {}

LineWriter::~LineWriter() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  flush(1s);
  abandoned_.store(true);
  thread_.join();
}

void LineWriter::write(std::string line) noexcept {
  try {
    line += '\n';
    MutexLock lock(mutex_);
    append(std::move(line));
  } catch (const std::bad_alloc&) {
    drop();
  }
}

void LineWriter::append(std::string line) {
  const std::size_t bytes = line.size();
  if (bytes > bytes_max_) return drop();
  while (bytes_ + bytes > bytes_max_) {
    static_cast<void>(take_oldest());
    drop();
  }
  lines_.push_back(std::move(line));
  bytes_ += bytes;
  changed_.notify_all();
}

std::string LineWriter::take_oldest() {
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  bytes_ -= line.size();
  return line;
}

bool LineWriter::flush(std::chrono::milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  MutexLock lock(mutex_);
  while (!lines_.empty() || sending_) {
    if (steady_clock::now() >= deadline) return false;
    changed_.wait_until(mutex_, deadline);
  }
  return true;
}

void LineWriter::run() {
  // Blocks SIGPIPE, which would end the process when the reader is gone, and the signals that only
  // main's thread handles.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (const std::optional<std::string> batch = next_batch()) send(*batch);
}

std::optional<std::string> LineWriter::next_batch() {
  MutexLock lock(mutex_);
  sending_ = false;
  changed_.notify_all();
  while (lines_.empty()) {
    if (closing_) return std::nullopt;
    changed_.wait_until(mutex_, steady_clock::now() + 1h);
  }
  std::string batch;
  try {
    fill(batch);
  } catch (const std::bad_alloc&) {
    if (batch.empty()) batch = take_oldest();
  }
  sending_ = true;
  return batch;
}

// Whole lines up to PIPE_BUF. Such a write to a pipe is atomic, so the lines of processes that
// share the pipe do not mix.
void LineWriter::fill(std::string& batch) {
  if (const std::uint64_t dropped = dropped_.load(); dropped != noted_) {
    batch = note_(dropped - noted_) + '\n';
    noted_ = dropped;
  }
  while (!lines_.empty() && (batch.empty() || batch.size() + lines_.front().size() <= PIPE_BUF)) {
    batch += lines_.front();
    static_cast<void>(take_oldest());
  }
}

void LineWriter::send(std::string_view bytes) {
  while (!bytes.empty()) {
    // Polls first, because a write that blocks could not be abandoned. A writable pipe accepts
    // PIPE_BUF bytes without blocking. O_NONBLOCK would change the descriptor for the shell, too.
    struct pollfd ready = {fd_, POLLOUT, 0};
    const int polled = ::poll(&ready, 1, kPollMilliseconds);
    if (abandoned_.load()) return;
    if (polled <= 0) continue;
    const ssize_t written =
        ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      dropped_.fetch_add(static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n')),
                         std::memory_order_relaxed);
      return;
    }
  }
}

}  // namespace bide
