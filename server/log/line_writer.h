// server/log/line_writer.h: Writes lines to a file descriptor that may block.
//
// stderr is often a pipe, and its reader may stop. Request threads must not stop with it. They put
// a line into a bounded queue and go on; a thread of the writer's own writes. When the queue is
// full the oldest lines are dropped, because the newest are more useful. When there is room again,
// the number of dropped lines is written.
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
  // Makes the line, without its end, that reports `lines` dropped lines.
  using DropNote = std::string (*)(std::uint64_t lines);

  // The caller keeps `fd`, which stays blocking. `bytes_max` bounds the queue; a longer line is
  // dropped.
  LineWriter(int fd, std::size_t bytes_max, DropNote note);
  // Writes the queued lines, for a second at most, and drops the rest.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Queues `line` and adds the line end. Never blocks on `fd`. If there is no memory, the line is
  // dropped.
  void write(std::string line) noexcept;
  // Counts a line that the caller could not make.
  void drop() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  // Blocks until all lines queued before are written. False: that took longer than `patience`.
  bool flush(std::chrono::milliseconds patience);
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  // Blocks until there are lines. nullopt: the writer is closing, and everything is written.
  std::optional<std::string> next_batch();
  void send(std::string_view bytes);
  void append(std::string line) REQUIRES(mutex_);
  void fill(std::string& batch) REQUIRES(mutex_);
  std::string take_oldest() REQUIRES(mutex_);

  const int fd_;
  const std::size_t bytes_max_;
  const DropNote note_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> abandoned_{false};  // The destructor has stopped waiting.
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
