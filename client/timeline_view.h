// client/timeline_view.h: One job in `bide watch`: its status, and the events of its timeline.
//
// Like WatchView it draws nothing.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "client/job_follower.h"
#include "client/screen_line.h"

namespace bide {

class TimelineView {
 public:
  explicit TimelineView(std::string job_id) : job_id_(std::move(job_id)) {}

  [[nodiscard]] const std::string& job_id() const { return job_id_; }
  void take(const Followed& report);
  // Towards the end, or with a negative number towards the beginning.
  void scroll_by(std::ptrdiff_t events);
  // The status, an empty line, and up to `events_max` events. At first the newest are shown.
  [[nodiscard]] std::vector<ScreenLine> render(std::size_t events_max, std::size_t columns);

 private:
  const std::string job_id_;
  std::string json_;
  std::string remark_;    // Shown instead of the status, if not empty.
  std::size_t back_ = 0;  // How many events after the last one shown are hidden.
};

}  // namespace bide
