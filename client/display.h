// client/display.h: What a person sees on stderr while `bide wait` waits.
//
// Pure: it makes the bytes, somebody else writes them.
//
// Thread safety: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/board.h"

namespace bide {

class Display {
 public:
  enum class Mode : std::uint8_t {
    kQuiet,  // Only why there is no status for a job.
    kLines,  // For logs: a line a change, and after a minute without one a sign of life.
    kLive,   // For terminals: one line that is drawn again, every second and on changes.
  };
  struct Options {
    Mode mode = Mode::kLines;
    bool colour = false;
    std::size_t columns = 80;  // kLive: the line is cut to this.
  };

  explicit Display(const Options& options) : options_(options) {}

  // What to write now that the jobs stand so, `elapsed` after the start. Often empty.
  [[nodiscard]] std::string update(std::span<const JobView> jobs,
                                   std::chrono::milliseconds elapsed);
  // When update() should be called at the latest, even without news.
  [[nodiscard]] std::chrono::milliseconds next_tick() const { return next_tick_; }
  // What takes the live line off the screen, so that something else can be written there; empty in
  // other modes. The next update() draws it again.
  [[nodiscard]] std::string clear();

 private:
  std::string new_lines(std::span<const JobView> jobs, std::chrono::milliseconds elapsed);
  std::string live_line(std::span<const JobView> jobs, std::chrono::milliseconds elapsed) const;

  const Options options_;
  std::vector<std::string> shown_;  // Per job, without the time.
  std::chrono::milliseconds next_tick_{0};
  std::optional<std::chrono::milliseconds> drawn_at_;  // kLive; nullopt: not on the screen.
};

// `processing, 1/3 agents done`, `failed: no space left`, `not found`: one line without control
// characters, whatever a worker wrote.
[[nodiscard]] std::string describe(const JobView& job);

// Takes the cursor to the line's begin and erases the line.
inline constexpr std::string_view kEraseLine = "\r\033[K";

}  // namespace bide
