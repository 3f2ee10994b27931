// server/log/line_writer.h: Lines on their way to a file descriptor that may be stuck.
//
// stderr is often a pipe, and whoever reads it may stop. A request thread must not stop with it: it
// leaves its line in a bounded queue and goes on, and one thread of its own does the writing. When
// the queue is full the oldest lines go, since the newest tell more; how many went is written
// once there is room again.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <thread>

#include "core/base/mutex.h"

namespace bide {

class LineWriter {
 public:
  // A line, without its end, that says that `lines` lines were dropped.
  using DropNote = std::string (*)(std::uint64_t lines);

  // `fd` stays the caller's, and blocking. `bytes_max` bounds the queue; a longer line is dropped.
  LineWriter(int fd, std::size_t bytes_max, DropNote note);
  // Gives up on what cannot be written within a second.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Queues `line` (the line end is added). Never blocks on `fd`. A line for which there is no
  // memory is dropped.
  void write(std::string line) noexcept;
  // Counts a line that could not even be made.
  void drop() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  // Waits until everything queued before is written. False: not within `patience`.
  bool flush(std::chrono::milliseconds patience);
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  // Blocks until there are lines. nullopt: closing, and all is written.
  std::optional<std::string> next_batch();
  void send(std::string_view bytes);
  void append(std::string line) REQUIRES(mutex_);
  void fill(std::string& batch) REQUIRES(mutex_);
  std::string take_oldest() REQUIRES(mutex_);

  const int fd_;
  const std::size_t bytes_max_;
  const DropNote note_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> abandoned_{false};  // Closing, and out of patience.
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> lines_ GUARDED_BY(mutex_);
  std::size_t bytes_ GUARDED_BY(mutex_) = 0;  // In lines_.
  std::uint64_t noted_ GUARDED_BY(mutex_) = 0;
  bool sending_ GUARDED_BY(mutex_) = false;
  bool closing_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bide
