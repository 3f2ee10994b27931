// client/display.h: The text on stderr while `bide wait` waits.
//
// Makes the bytes only; the caller writes them.
//
// Thread safety: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/board.h"

namespace bide {

class Display {
 public:
  enum class Mode : std::uint8_t {
    kQuiet,  // Only the reason if a job ends without a status.
    kLines,  // For logs: a line for each change, and one after a minute without changes.
    kLive,   // For terminals: one line that is drawn again every second and on changes.
  };
  struct Options {
    Mode mode = Mode::kLines;
    bool colour = false;
    std::size_t columns = 80;  // kLive: the line is cut to this.
  };

  explicit Display(const Options& options) : options_(options) {}

  // The bytes to write for this state of the jobs, `elapsed` after the start. Often empty.
  [[nodiscard]] std::string update(std::span<const JobView> jobs,
                                   std::chrono::milliseconds elapsed);
  // When update() should be called at the latest, even without news.
  [[nodiscard]] std::chrono::milliseconds next_tick() const { return next_tick_; }
  // The bytes that erase the live line, so that other text can be written there; empty in other
  // modes. The next update() draws the line again.
  [[nodiscard]] std::string clear();

 private:
  std::string new_lines(std::span<const JobView> jobs, std::chrono::milliseconds elapsed);
  std::string live_line(std::span<const JobView> jobs, std::chrono::milliseconds elapsed) const;

  const Options options_;
  std::vector<std::string> shown_;  // The text of each job, without the time.
  std::chrono::milliseconds next_tick_{0};
  std::optional<std::chrono::milliseconds> drawn_at_;  // kLive; nullopt: not on the screen.
};

// `processing, 1/3 agents done`, `failed: no space left`, `not found`: one line without control
// characters, whatever a worker wrote.
[[nodiscard]] std::string describe(const JobView& job);

// As much of an error text as is shown.
[[nodiscard]] std::string cut_error(std::string_view error);

// Moves the cursor to the beginning of the line and erases the line.
inline constexpr std::string_view kEraseLine = "\r\033[K";

}  // namespace bide
