// client/pursuit.h: The wait for one job as a state machine without clock, thread or socket: it
// makes the next question and evaluates the reply.
//
// One request at a time. The first one is answered at once: it tells whether the job exists. A job
// that does not is waited for with `until=exists`, which a server of any age holds. Then a quiet
// wait asks for the goal and is answered once. A wait that shows changes asks for every change
// until the job seems to be over. From then on it asks for the goal, because only the server knows
// whether a job that may still change has settled.
//
// Thread safety: none; one thread drives it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "client/back_off.h"
#include "client/exit_code.h"
#include "client/goal.h"
#include "client/reply.h"

namespace bide {

class Pursuit {
 public:
  // How long the server may hold a request; below the idle timeouts of common proxies (30 s and
  // up).
  static constexpr std::chrono::milliseconds kWaitMax{25'000};

  // What a 404 means for a job that was never seen: wait until it is created, or end.
  enum class Missing : std::uint8_t { kWait, kFail };

  Pursuit(Goal goal, bool show_changes, Missing missing, std::uint32_t seed)
      : goal_(std::move(goal)), show_changes_(show_changes), missing_(missing), back_off_(seed) {}

  // `remaining`: the rest of the time limit, at least 1 ms.
  [[nodiscard]] Question question(std::chrono::milliseconds remaining);

  struct AskAgain {
    std::chrono::milliseconds pause{0};
    std::string trouble;  // Why the request failed; empty: it did not.
    bool absent = false;  // The job does not exist yet.
  };
  struct Finished {
    ExitCode code = ExitCode::kBideFailed;
    std::string complaint;  // Why the wait ends without a status; empty: it has one.
  };
  using Next = std::variant<AskAgain, Finished>;
  // To be called after each question(). `took`: the time from the question to this reply.
  [[nodiscard]] Next take(const Reply& reply, std::chrono::milliseconds took);

 private:
  Next take_answer(const Answer& answer, std::chrono::milliseconds took);
  Next take_refusal(const ServerRefusal& refusal, std::chrono::milliseconds took);
  Next take_absence(std::chrono::milliseconds took);
  std::chrono::milliseconds pause_after(bool news, std::chrono::milliseconds took);

  const Goal goal_;
  const bool show_changes_;
  const Missing missing_;
  BackOff back_off_;
  Question asked_;
  bool greeted_ = false;          // The server has said whether the job exists.
  std::optional<Status> status_;  // As last seen.
  std::string etag_;              // As last seen.
  std::string first_etag_;        // The state from which `change` counts.
  bool lost_ = false;      // 409: the goal is out of reach; one plain request gets the state.
  int quick_answers_ = 0;  // In a row.
};

}  // namespace bide
