// client/screen_line.h: A line of `bide watch` on a terminal: its text and how it looks.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/job_summary.h"

namespace bide {

struct ScreenLine {
  enum class Style : std::uint8_t { kPlain, kHead, kGood, kBad, kWarning, kAtWork };

  std::string text{};
  Style style = Style::kPlain;
  bool selected = false;
};

// `text` as on_screen(), cut to `columns`, without blanks at the end, which some terminals wrap.
[[nodiscard]] std::string line_text(std::string_view text, std::size_t columns);

[[nodiscard]] ScreenLine::Style style_of(const JobSummary& job);

}  // namespace bide
