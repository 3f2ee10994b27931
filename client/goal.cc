#include "client/goal.h"

#include <algorithm>

namespace bide {
namespace {

std::uint8_t bit_of(Status status) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(status));
}

// The statuses of a comma list, as a mask. nullopt: a word is no status.
std::optional<std::uint8_t> mask_of(std::string_view list) {
  std::uint8_t mask = 0;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    const auto status = status_from_word(list.substr(0, comma));
    if (!status) return std::nullopt;
    mask |= bit_of(*status);
    more = comma != std::string_view::npos;
    if (more) list.remove_prefix(comma + 1);
  }
  return mask;
}

}  // namespace

std::optional<Goal> Goal::parse(std::string_view text) {
  if (text == "change") return Goal(Kind::kChange, text, 0);
  if (text == "done") return Goal(Kind::kDone, text, 0);
  if (text == "succeeded") return Goal(Kind::kSucceeded, text, 0);
  if (text == "exists") return Goal(Kind::kExists, text, 0);
  const auto mask = mask_of(text);
  if (!mask) return std::nullopt;
  return Goal(Kind::kStatus, text, *mask);
}

std::optional<ExitCode> Goal::judge(const Answer& answer, bool held,
                                    std::string_view etag_before) const {
  // A final job does not change any more, so no other goal will be reached.
  if (!reached(answer, held, etag_before) && !answer.final) return std::nullopt;
  if (kind_ == Kind::kExists || !is_terminal(answer.status)) return ExitCode::kCompleted;
  return exit_code_of(answer.status);
}

bool Goal::reached(const Answer& answer, bool held, std::string_view etag_before) const {
  const bool over = is_terminal(answer.status) && held;
  switch (kind_) {
    case Kind::kChange:
      return answer.news && !etag_before.empty() && answer.etag != etag_before;
    case Kind::kDone:
      return over;
    case Kind::kSucceeded:
      return over && answer.status == Status::kCompleted;
    case Kind::kExists:
      return true;
    case Kind::kStatus:
      return (status_mask_ & bit_of(answer.status)) != 0;
  }
  return false;
}

}  // namespace bide
