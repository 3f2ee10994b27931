#include "client/watch_view.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "client/screen_text.h"
#include "core/base/ascii.h"
#include "core/base/timestamp.h"

namespace bide {
namespace {

constexpr std::size_t kNoteBytesMax = 400;
constexpr std::size_t kFilterBytesMax = 200;
constexpr std::size_t kWordColumns = 15;  // partial_failure
constexpr std::size_t kAgeColumns = 4;
constexpr std::size_t kIdColumnsMin = 8;
constexpr std::size_t kNoteColumnsMin = 10;

void erase_last_character(std::string& utf8) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  while (!utf8.empty() && continues(utf8.back())) utf8.pop_back();
  if (!utf8.empty()) utf8.pop_back();
}

}  // namespace

WatchView::WatchView(const std::vector<std::string>& ids) : ids_given_(!ids.empty()) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Row& row = row_of(ids[i]);
    row.place = i;
    row.remark = "not known yet";
  }
}

WatchView::Row& WatchView::row_of(const std::string& id) {
  Row& row = rows_[id];
  row.job.id = id;
  dirty_ = true;
  return row;
}

void WatchView::take(const Followed& report) {
  switch (report.kind) {
    case Followed::Kind::kState: {
      JobSummary job = summary_of(report.text);
      if (job.id.empty()) return;
      Row& row = row_of(job.id);
      row.remark.clear();
      row.created = parse_timestamp(with_zone(job.created)).value_or(WallTime{});
      job.error.resize(std::min(job.error.size(), kNoteBytesMax));
      job.progress.resize(std::min(job.progress.size(), kNoteBytesMax));
      row.job = std::move(job);
      if (rows_.size() > 2 * kRowsMax) sort();
      return;
    }
    case Followed::Kind::kAbsent:
      row_of(report.text).remark = "does not exist yet";
      return;
    case Followed::Kind::kGone:
      row_of(report.text).remark = "gone";
      return;
    case Followed::Kind::kTrouble:
      trouble_ = "trying again: " + report.text;  // A narrow terminal cuts off the end.
      return;
    case Followed::Kind::kTouch:
      trouble_.clear();
      return;
    case Followed::Kind::kOver:
    case Followed::Kind::kRefused:
      return;
  }
}

void WatchView::take_opened(const Followed& report) {
  if (!opened_) return;
  opened_->take(report);
  // The stream of all jobs reports no deletions, so the table may still show the job's last state.
  if (report.kind != Followed::Kind::kGone && report.kind != Followed::Kind::kAbsent) return;
  const auto row = rows_.find(report.text);
  if (row == rows_.end() || !row->second.job.status) return;
  row->second.remark = "gone";
  dirty_ = true;
}

void WatchView::sort() {
  dirty_ = false;
  std::vector<const Row*> all;
  all.reserve(rows_.size());
  for (const auto& [id, row] : rows_) all.push_back(&row);
  std::ranges::sort(all, [&](const Row* a, const Row* b) {
    if (ids_given_) return a->place < b->place;
    return std::tie(b->created, a->job.id) < std::tie(a->created, b->job.id);
  });
  for (; all.size() > kRowsMax; all.pop_back()) {
    const std::string oldest = all.back()->job.id;
    rows_.erase(oldest);
  }
  const std::string wanted = lower_case(filter_);
  std::erase_if(all, [&](const Row* row) {
    const std::string text = row->job.id + " " + std::string(word_of(row->job)) + " " +
                             note_of(row->job) + " " + row->remark;
    return lower_case(text).find(wanted) == std::string::npos;
  });
  shown_ = std::move(all);
}

void WatchView::move_by(std::ptrdiff_t rows) {
  if (opened_) {
    opened_->scroll_by(rows);
    return;
  }
  if (dirty_) sort();
  if (shown_.empty()) return;
  const auto last = static_cast<std::ptrdiff_t>(shown_.size()) - 1;
  const auto from = static_cast<std::ptrdiff_t>(selected_row());
  const std::ptrdiff_t to = std::clamp<std::ptrdiff_t>(from + rows, 0, last);
  // The first stays the first when newer jobs come.
  selected_ = to == 0 ? "" : shown_[static_cast<std::size_t>(to)]->job.id;
}

std::size_t WatchView::selected_row() const {
  if (selected_.empty()) return 0;
  const auto at =
      std::ranges::find_if(shown_, [&](const Row* row) { return row->job.id == selected_; });
  return at == shown_.end() ? 0 : static_cast<std::size_t>(at - shown_.begin());
}

WatchView::Wish WatchView::press(Key key) {
  const auto page = static_cast<std::ptrdiff_t>(page_rows_);
  constexpr std::ptrdiff_t kFar = 1'000'000'000;
  switch (key) {
    case Key::kUp:
      move_by(-1);
      return Wish::kNothing;
    case Key::kDown:
      move_by(1);
      return Wish::kNothing;
    case Key::kPageUp:
      move_by(-page);
      return Wish::kNothing;
    case Key::kPageDown:
      move_by(page);
      return Wish::kNothing;
    case Key::kHome:
      move_by(-kFar);
      return Wish::kNothing;
    case Key::kEnd:
      move_by(kFar);
      return Wish::kNothing;
    case Key::kErase:
      if (typing_) erase_last_character(filter_);
      dirty_ = true;
      return Wish::kNothing;
    case Key::kEscape:
      if (opened_) {
        opened_.reset();
        return Wish::kClose;
      }
      typing_ = false;
      filter_.clear();
      dirty_ = true;
      return Wish::kNothing;
    case Key::kEnter:
      if (opened_) {
        opened_.reset();
        return Wish::kClose;
      }
      if (std::exchange(typing_, false)) return Wish::kNothing;
      if (dirty_) sort();
      if (shown_.empty()) return Wish::kNothing;
      opened_.emplace(shown_[selected_row()]->job.id);
      return Wish::kOpen;
  }
  return Wish::kNothing;
}

WatchView::Wish WatchView::type(char c) {
  if (typing_) {
    if (static_cast<unsigned char>(c) >= 0x20 && filter_.size() < kFilterBytesMax) filter_ += c;
    dirty_ = true;
    return Wish::kNothing;
  }
  switch (c) {
    case 'q':
      return opened_ ? press(Key::kEscape) : Wish::kQuit;
    case '/':
      if (opened_) return Wish::kNothing;
      typing_ = true;
      filter_.clear();
      dirty_ = true;
      return Wish::kNothing;
    case 'k':
      return press(Key::kUp);
    case 'j':
      return press(Key::kDown);
    case 'g':
      return press(Key::kHome);
    case 'G':
      return press(Key::kEnd);
    default:
      return Wish::kNothing;
  }
}

std::string WatchView::counts() const {
  std::array<std::size_t, kAllStatuses.size()> counts{};
  for (const auto& [id, row] : rows_) {
    if (row.remark.empty() && row.job.status) ++counts[static_cast<std::size_t>(*row.job.status)];
  }
  std::string text = std::to_string(rows_.size()) + (rows_.size() == 1 ? " job" : " jobs");
  std::string_view separator = ": ";
  for (const Status status : kAllStatuses) {
    const std::size_t count = counts[static_cast<std::size_t>(status)];
    if (count == 0) continue;
    text += std::string(separator) + std::to_string(count) + " " + std::string(word_of(status));
    separator = ", ";
  }
  return text;
}

ScreenLine WatchView::line_of(const Row& row, std::size_t id_columns, std::size_t columns,
                              WallTime now) {
  std::string text = fitted(row.job.id, id_columns) + "  ";
  if (!row.remark.empty()) return {line_text(text + row.remark, columns)};
  text += fitted(word_of(row.job), kWordColumns) + "  " +
          fitted(age_of(row.job.created, now), kAgeColumns) + "  " + on_screen(note_of(row.job));
  return {line_text(text, columns), style_of(row.job)};
}

std::vector<ScreenLine> WatchView::render(std::size_t lines, std::size_t columns, WallTime now) {
  // One column stays free: some terminals wrap a full line.
  const std::size_t usable = std::max<std::size_t>(columns, 2) - 1;
  // Two lines above the rows and one below are for other things.
  page_rows_ = lines > 4 ? lines - 3 : 1;
  std::vector<ScreenLine> screen =
      opened_ ? opened_->render(page_rows_, usable) : render_table(usable, now);
  while (screen.size() + 1 < lines) screen.push_back({});
  screen.push_back(last_line(usable));
  screen.resize(std::min(screen.size(), lines));
  return screen;
}

ScreenLine WatchView::last_line(std::size_t columns) const {
  if (typing_) return {line_text("/" + filter_, columns), ScreenLine::Style::kHead};
  if (!trouble_.empty()) return {line_text(trouble_, columns), ScreenLine::Style::kBad};
  std::string text = "q quit  / filter  Enter timeline";
  if (opened_) {
    text = "q back";
  } else if (!filter_.empty()) {
    text = std::to_string(shown_.size()) + " with " + filter_ + "  (Esc shows all)";
  }
  return {line_text(text, columns), ScreenLine::Style::kHead};
}

std::vector<ScreenLine> WatchView::render_table(std::size_t columns, WallTime now) {
  if (dirty_) sort();
  std::vector<ScreenLine> screen;
  screen.push_back({line_text(counts(), columns), ScreenLine::Style::kHead});
  const std::size_t selected = selected_row();
  if (selected < top_) top_ = selected;
  if (selected >= top_ + page_rows_ && selected < shown_.size()) top_ = selected + 1 - page_rows_;
  top_ = std::min(top_, shown_.size() > page_rows_ ? shown_.size() - page_rows_ : 0);
  const std::size_t end = std::min(top_ + page_rows_, shown_.size());

  std::size_t id_columns = kIdColumnsMin;
  for (std::size_t i = top_; i < end; ++i) {
    id_columns = std::max(id_columns, width_of(shown_[i]->job.id));
  }
  const std::size_t others = kWordColumns + kAgeColumns + 6;
  const std::size_t room = columns > others + kIdColumnsMin ? columns - others : kIdColumnsMin;
  const std::size_t with_note = room > kNoteColumnsMin * 3 ? room * 2 / 3 : room;
  id_columns = std::min(id_columns, with_note);
  screen.push_back({line_text(fitted("ID", id_columns) + "  " + fitted("STATUS", kWordColumns) +
                                  "  " + fitted("AGE", kAgeColumns),
                              columns),
                    ScreenLine::Style::kHead});
  for (std::size_t i = top_; i < end; ++i) {
    screen.push_back(line_of(*shown_[i], id_columns, columns, now));
    screen.back().selected = i == selected;
  }
  return screen;
}

}  // namespace bide
