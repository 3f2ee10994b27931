// client/goal.h: The goal of `bide wait --until`, judged on the server's answers.
//
// Thread safety: immutable value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/exit_code.h"
#include "client/reply.h"

namespace bide {

class Goal {
 public:
  enum class Kind : std::uint8_t { kChange, kDone, kSucceeded, kExists, kStatus };

  // `change`, `done`, `succeeded`, `exists`, or status words separated by commas. nullopt: anything
  // else.
  [[nodiscard]] static std::optional<Goal> parse(std::string_view text);

  [[nodiscard]] Kind kind() const { return kind_; }
  // The query's `until`.
  [[nodiscard]] const std::string& text() const { return text_; }

  // The exit code if `answer` ends the wait, because the goal is reached or cannot be reached any
  // more: that of the job's status, or kCompleted for `exists` and for a job that is not over.
  // nullopt: wait on. `held`: the request asked the server for this goal, and was answered because
  // it is reached; only the server knows whether a job that may still change has settled.
  // `etag_before`: the tag of the state from which `change` counts; empty: this answer is that
  // state.
  [[nodiscard]] std::optional<ExitCode> judge(const Answer& answer, bool held,
                                              std::string_view etag_before) const;

 private:
  Goal(Kind kind, std::string_view text, std::uint8_t mask)
      : kind_(kind), status_mask_(mask), text_(text) {}
  [[nodiscard]] bool reached(const Answer& answer, bool held, std::string_view etag_before) const;

  Kind kind_;
  std::uint8_t status_mask_;  // kStatus: bit 1 << Status.
  std::string text_;
};

}  // namespace bide
