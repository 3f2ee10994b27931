// client/watch_view.h: The table of `bide watch`: its jobs, its filter, and which lines it shows.
//
// It draws nothing: it turns reports and keys into lines that fit a terminal. Enter replaces the
// table by a job's timeline (client/timeline_view.h).
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/job_follower.h"
#include "client/job_summary.h"
#include "client/screen_line.h"
#include "client/timeline_view.h"
#include "core/base/clock.h"

namespace bide {

class WatchView {
 public:
  // Beyond these the oldest jobs are dropped.
  static constexpr std::size_t kRowsMax = 10'000;

  // `ids`: they have rows from the beginning, in this order. Empty: rows are added for the jobs in
  // reports, the newest job first.
  explicit WatchView(const std::vector<std::string>& ids);

  void take(const Followed& report);
  // A report about the opened job. If it was deleted, the table says so, too.
  void take_opened(const Followed& report);

  enum class Key : std::uint8_t {
    kUp,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kEnter,
    kEscape,
    kErase,
  };
  enum class Wish : std::uint8_t { kNothing, kQuit, kOpen, kClose };
  Wish press(Key key);
  // A byte of typed text.
  Wish type(char c);
  // The job whose timeline is shown. Empty: the table is.
  [[nodiscard]] std::string opened() const { return opened_ ? opened_->job_id() : ""; }

  // `lines` of at most `columns` columns.
  [[nodiscard]] std::vector<ScreenLine> render(std::size_t lines, std::size_t columns,
                                               WallTime now);

 private:
  struct Row {
    JobSummary job;
    std::size_t place = 0;  // In the order of the given ids.
    std::string remark;     // Shown instead of the status, if not empty.
    WallTime created{};
  };
  Row& row_of(const std::string& id);
  void sort();
  void move_by(std::ptrdiff_t rows);
  [[nodiscard]] std::size_t selected_row() const;  // In shown_.
  [[nodiscard]] std::string counts() const;
  [[nodiscard]] static ScreenLine line_of(const Row& row, std::size_t id_columns,
                                          std::size_t columns, WallTime now);
  [[nodiscard]] std::vector<ScreenLine> render_table(std::size_t columns, WallTime now);
  [[nodiscard]] ScreenLine last_line(std::size_t columns) const;

  const bool ids_given_;
  std::map<std::string, Row, std::less<>> rows_;
  std::vector<const Row*> shown_;  // In their order, filtered.
  bool dirty_ = true;              // shown_ must be made again from rows_.
  std::string trouble_;
  std::string filter_;
  bool typing_ = false;
  std::string selected_;       // An id; empty, or not shown: the first.
  std::size_t top_ = 0;        // The first row on the screen.
  std::size_t page_rows_ = 1;  // As rendered last.
  std::optional<TimelineView> opened_;
};

}  // namespace bide
