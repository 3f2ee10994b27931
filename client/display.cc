#include "client/display.h"

#include <algorithm>

#include "client/screen_text.h"
#include "core/base/duration.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHeartbeat{60'000};
constexpr milliseconds kRedraw{1000};
constexpr milliseconds kRedrawMin{100};
constexpr std::size_t kErrorBytesMax = 200;

// Workers write the error text, and it is shown on a terminal.
std::string shown(std::string_view text) { return on_screen(text); }

// At most `bytes_max`, not cut within a UTF-8 sequence.
std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  text.resize(bytes_max);
  return text;
}

std::string_view colour_of(Status status) {
  switch (status) {
    case Status::kCompleted:
      return "\033[32m";
    case Status::kFailed:
    case Status::kPartialFailure:
      return "\033[31m";
    case Status::kSkipped:
      return "\033[33m";
    case Status::kSubmitted:
    case Status::kProcessing:
      return "\033[36m";
  }
  return "";
}

std::string seconds_text(milliseconds elapsed) {
  return format_duration(std::chrono::floor<std::chrono::seconds>(elapsed));
}

std::string line_of(const JobView& job, milliseconds elapsed) {
  return job.id + ": " + describe(job) + " (" + seconds_text(elapsed) + ")";
}

// Colours the status word of line_of(), which begins at `offset`.
std::string painted(std::string line, const JobView& job, std::size_t offset) {
  if (!job.status) return line;
  const std::string_view word = word_of(*job.status);
  const std::size_t begin = offset + job.id.size() + 2;
  if (line.compare(std::min(begin, line.size()), word.size(), word) != 0) return line;
  line.insert(begin + word.size(), "\033[0m");
  line.insert(begin, colour_of(*job.status));
  return line;
}

std::string tally(std::span<const JobView> jobs) {
  const auto over =
      std::ranges::count_if(jobs, [](const JobView& j) { return j.code.has_value(); });
  return std::to_string(over) + " of " + std::to_string(jobs.size()) + " jobs over";
}

}  // namespace

std::string describe(const JobView& job) {
  if (!job.complaint.empty()) return shown(job.complaint);
  if (!job.trouble.empty()) return shown(job.trouble) + "; trying again";
  if (job.absent) return "does not exist yet";
  if (!job.status) return "nothing known yet";
  std::string text(word_of(*job.status));
  const JobSummary& summary = job.summary;
  if (summary.agents_seen > 1 || (summary.agents_seen == 1 && !is_terminal(*job.status))) {
    text += ", " + std::to_string(summary.agents_done) + "/" + std::to_string(summary.agents_seen) +
            (summary.of_jobs ? " jobs done" : " agents done");
  }
  if (!summary.error.empty()) text += ": " + shown(cut_error(summary.error));
  return text;
}

std::string cut_error(std::string_view error) { return cut(std::string(error), kErrorBytesMax); }

std::string Display::update(std::span<const JobView> jobs, milliseconds elapsed) {
  std::string out = new_lines(jobs, elapsed);
  if (options_.mode != Mode::kLive) return out;
  if (out.empty() && drawn_at_ && elapsed < *drawn_at_ + kRedrawMin) {
    next_tick_ = *drawn_at_ + kRedrawMin;
    return out;
  }
  drawn_at_ = elapsed;
  next_tick_ = elapsed + kRedraw;
  return std::string(kEraseLine) + out + live_line(jobs, elapsed);
}

std::string Display::clear() {
  drawn_at_.reset();
  return options_.mode == Mode::kLive ? std::string(kEraseLine) : std::string();
}

std::string Display::new_lines(std::span<const JobView> jobs, milliseconds elapsed) {
  shown_.resize(jobs.size());
  std::string out;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const JobView& job = jobs[i];
    const bool wanted = options_.mode == Mode::kLines || !job.complaint.empty() ||
                        (options_.mode == Mode::kLive && job.code);
    std::string text = describe(job);
    if (!wanted || shown_[i] == text) continue;
    const bool nothing_to_say =
        !job.status && !job.absent && job.complaint.empty() && job.trouble.empty();
    if (!nothing_to_say) {
      const std::string line = line_of(job, elapsed);
      out += (options_.colour ? painted(line, job, 0) : line) + "\n";
    }
    shown_[i] = std::move(text);
  }
  if (options_.mode == Mode::kQuiet) next_tick_ = elapsed + kHeartbeat;  // That shows nothing.
  if (options_.mode != Mode::kLines) return out;
  if (out.empty() && elapsed >= next_tick_ && elapsed >= kHeartbeat) {
    const auto open = std::ranges::find_if(jobs, [](const JobView& job) { return !job.code; });
    if (open != jobs.end()) {
      out = (jobs.size() > 1 ? tally(jobs) + ", " : "") + "still waiting for " +
            line_of(*open, elapsed) + "\n";
    }
  }
  if (!out.empty() || next_tick_ <= elapsed) next_tick_ = elapsed + kHeartbeat;
  return out;
}

std::string Display::live_line(std::span<const JobView> jobs, milliseconds elapsed) const {
  const auto open = std::ranges::find_if(jobs, [](const JobView& job) { return !job.code; });
  if (open == jobs.end()) return {};
  const std::string head = jobs.size() > 1 ? tally(jobs) + "; " : "";
  // One column stays free: some terminals wrap a full line, and erasing would leave its first part.
  std::string line =
      cut_to(head + line_of(*open, elapsed), std::max<std::size_t>(options_.columns, 2) - 1);
  return options_.colour ? painted(std::move(line), *open, head.size()) : line;
}

}  // namespace bide
