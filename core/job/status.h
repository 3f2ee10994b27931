// core/job/status.h: The words of the domain: a job's status and the events workers write.
//
// Thread safety: values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bide {

enum class Status : std::uint8_t {
  kSubmitted,
  kProcessing,
  kCompleted,
  kFailed,
  kSkipped,
  kPartialFailure,
};
inline constexpr std::array kAllStatuses = {Status::kSubmitted, Status::kProcessing,
                                            Status::kCompleted, Status::kFailed,
                                            Status::kSkipped,   Status::kPartialFailure};

[[nodiscard]] std::string_view word_of(Status status);
[[nodiscard]] std::optional<Status> status_from_word(std::string_view word);
// completed, failed, skipped or partial_failure. A terminal job may still change unless it is final
// (Job::final()).
[[nodiscard]] bool is_terminal(Status status);

enum class EventKind : std::uint8_t {
  kSubmitted,
  kAcknowledged,
  kStarted,
  kCompleted,
  kFailed,
  kSkipped,
  kRetried,
};

// A report of an agent that is not an event: it never changes a status (core/job/entry.h).
inline constexpr std::string_view kProgressWord = "progress";

[[nodiscard]] std::string_view word_of(EventKind event);
[[nodiscard]] std::optional<EventKind> event_from_word(std::string_view word);
// The event with the highest rank decides an agent's state: submitted 0, acknowledged 1, started 2,
// failed and skipped 3, completed and retried 4.
[[nodiscard]] constexpr int rank_of(EventKind event) {
  constexpr std::array kRanks = {0, 1, 2, 4, 3, 3, 4};
  return kRanks[static_cast<std::size_t>(event)];
}
// The agent is done with the job: rank 3 and up.
[[nodiscard]] inline bool is_terminal(EventKind event) { return rank_of(event) >= 3; }

}  // namespace bide
