// client/goal.h: What `bide wait --until` waits for, judged on the server's answers.
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

  // `change`, `done`, `succeeded`, `exists`, or a comma list of status words. nullopt: none of
  // these.
  [[nodiscard]] static std::optional<Goal> parse(std::string_view text);

  [[nodiscard]] Kind kind() const { return kind_; }
  // The query's `until`.
  [[nodiscard]] const std::string& text() const { return text_; }

  // The exit code if `answer` ends the wait, be it that the goal is reached or that it never can
  // be: the job's status; where the job is not over, and for `exists`, kCompleted. nullopt: wait
  // on. `held` says that the request asked for this very goal and was answered because of it: only
  // the server knows whether a job that may still move has settled. `etag_before`: of the state
  // that `change` is measured from; empty: this answer is that state.
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
