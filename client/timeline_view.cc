#include "client/timeline_view.h"

#include <algorithm>
#include <variant>

#include "client/job_summary.h"
#include "client/reply.h"
#include "core/base/json_object.h"
#include "core/base/timestamp.h"

namespace bide {
namespace {

// `12:00:00 failed web-01: no space`, for each event of the timeline.
std::vector<std::string> timeline_of(std::string_view representation) {
  std::vector<std::string> lines;
  const auto job = JsonObject::parse(representation, {"timeline"}, kAnswerDepthMax);
  if (!std::holds_alternative<JsonObject>(job)) return lines;
  const auto events = split_json_array(std::get<JsonObject>(job)["timeline"].raw);
  if (!events) return lines;
  for (const std::string_view event : *events) {
    const auto parsed =
        JsonObject::parse(event, {"timestamp", "event", "hostname", "error"}, kAnswerDepthMax);
    const auto* const members = std::get_if<JsonObject>(&parsed);
    if (members == nullptr) continue;
    const std::string& time = (*members)["timestamp"].text;
    const std::string& error = (*members)["error"].text;
    // 12:00:00 of 2026-01-31T12:00:00Z.
    const bool whole = shape_of_timestamp(time) != TimestampShape::kNone && time.size() >= 19;
    lines.push_back((whole ? time.substr(11, 8) : time) + "  " + (*members)["event"].text + "  " +
                    (*members)["hostname"].text + (error.empty() ? "" : ": " + error));
  }
  return lines;
}

}  // namespace

void TimelineView::take(const Followed& report) {
  if (report.kind == Followed::Kind::kState) json_ = report.text;
  if (report.kind == Followed::Kind::kGone) remark_ = "gone";
  if (report.kind == Followed::Kind::kAbsent) remark_ = "does not exist";
  if (report.kind == Followed::Kind::kRefused) remark_ = report.text;
}

void TimelineView::scroll_by(std::ptrdiff_t events) {
  // render() bounds it by the number of events.
  const auto back = static_cast<std::ptrdiff_t>(back_) - events;
  back_ = static_cast<std::size_t>(std::max<std::ptrdiff_t>(back, 0));
}

std::vector<ScreenLine> TimelineView::render(std::size_t events_max, std::size_t columns) {
  std::vector<ScreenLine> screen;
  const JobSummary job = summary_of(json_);
  const std::string note = note_of(job);
  std::string head = job_id_;
  if (!remark_.empty()) {
    head += ": " + remark_;
  } else if (job.status) {
    head += ": " + std::string(word_of(job)) + (note.empty() ? "" : ", " + note);
  }
  screen.push_back({line_text(head, columns), style_of(job)});
  screen.push_back({});
  const std::vector<std::string> events = timeline_of(json_);
  const std::size_t hidden = events.size() > events_max ? events.size() - events_max : 0;
  back_ = std::min(back_, hidden);
  const std::size_t first = hidden - back_;
  for (std::size_t i = first; i < std::min(events.size(), first + events_max); ++i) {
    screen.push_back({line_text(events[i], columns)});
  }
  return screen;
}

}  // namespace bide
