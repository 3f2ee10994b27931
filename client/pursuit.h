// client/pursuit.h: The wait for one job as a machine without clock, thread or socket: what to ask
// next, and what to make of the reply.
//
// One request at a time. Quiet, it asks for the goal itself and is woken once. To show changes it
// asks for every change, until the job looks over; from then on it asks for the goal, because
// whether a job that may still move has settled only the server knows.
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
  // The server may hold at most so long; below the idle timeouts of common proxies (30 s and up).
  static constexpr std::chrono::milliseconds kWaitMax{25'000};

  Pursuit(Goal goal, bool show_changes, std::uint32_t seed)
      : goal_(std::move(goal)), show_changes_(show_changes), back_off_(seed) {}

  // `remaining` of the time limit, at least 1 ms.
  [[nodiscard]] Question question(std::chrono::milliseconds remaining);

  struct AskAgain {
    std::chrono::milliseconds pause{0};
    std::string trouble;  // Why, where it is not the normal course; empty: it is.
  };
  struct Finished {
    ExitCode code = ExitCode::kBideFailed;
    std::string complaint;  // Why there is no status; empty: there is one.
  };
  using Next = std::variant<AskAgain, Finished>;
  // `took`: from asking to this reply. Call after each question().
  [[nodiscard]] Next take(const Reply& reply, std::chrono::milliseconds took);

 private:
  Next take_answer(const Answer& answer, std::chrono::milliseconds took);
  Next take_refusal(const Refusal& refusal);
  std::chrono::milliseconds pause_after(bool news, std::chrono::milliseconds took);

  const Goal goal_;
  const bool show_changes_;
  BackOff back_off_;
  Question asked_;
  std::optional<Status> status_;  // As last seen.
  std::string etag_;              // As last seen.
  std::string first_etag_;        // What `change` is measured from.
  bool lost_ = false;      // 409: the goal is out of reach; one plain request tells the state.
  int quick_answers_ = 0;  // In a row.
};

}  // namespace bide
