#include "client/screen_line.h"

#include "client/screen_text.h"

namespace bide {

std::string line_text(std::string_view text, std::size_t columns) {
  std::string line = cut_to(text, columns);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

ScreenLine::Style style_of(const JobSummary& job) {
  if (!job.status) return ScreenLine::Style::kPlain;
  switch (*job.status) {
    case Status::kCompleted:
      return ScreenLine::Style::kGood;
    case Status::kFailed:
    case Status::kPartialFailure:
      return ScreenLine::Style::kBad;
    case Status::kSkipped:
      return ScreenLine::Style::kWarning;
    case Status::kSubmitted:
    case Status::kProcessing:
      return ScreenLine::Style::kAtWork;
  }
  return ScreenLine::Style::kPlain;
}

}  // namespace bide
