// client/stderr_tail.h: Passes on what a command writes to its standard error, and keeps its last
// lines.
//
// The command gets a pipe, and a process of its own copies the pipe to bide's standard error. A
// thread would not do: if bide is killed, or ends before a process that the command has left
// behind, the next write to the pipe would kill the writer. The copier lives as long as anybody
// has the pipe open. It writes at the pace of the reader, drops nothing, and if the reader has gone
// it ends, so that the command gets its SIGPIPE.
//
// Thread safety: one thread at a time. start() may be called beside other threads.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bide {

class StderrTail {
 public:
  static constexpr std::size_t kBytesMax = 4096;

  // Starts the copier. nullopt: there is no descriptor or process left for it.
  [[nodiscard]] static std::optional<StderrTail> start();
  StderrTail(StderrTail&& other) noexcept;
  StderrTail& operator=(StderrTail&& other) noexcept;
  ~StderrTail();

  // For the command, in place of its standard error. To be closed when the command has it.
  [[nodiscard]] int write_end() const { return write_end_; }
  void close_write_end();

  // The command has ended. fd() becomes readable when all that it wrote is passed on. Processes
  // that it has left behind do not delay that.
  void ask();
  [[nodiscard]] int fd() const { return answer_; }
  // The last lines, once fd() is readable.
  [[nodiscard]] std::string take();

 private:
  StderrTail(int write_end, int answer) : write_end_(write_end), answer_(answer) {}

  int write_end_;
  int answer_;
};

// `tail`: the last bytes of an output, up to StderrTail::kBytesMax. Its whole lines, as UTF-8,
// without line ends at the end.
[[nodiscard]] std::string last_lines(std::string_view tail);

}  // namespace bide
