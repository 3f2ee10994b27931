#include "client/pursuit.h"

#include <algorithm>

namespace bide {
namespace {

using std::chrono::milliseconds;

// Faster than a person reads. A job that changes all the time is asked for at this pace after a few
// quick answers.
constexpr milliseconds kQuick{100};
constexpr int kQuickAnswersMax = 5;
// How long an exchange may take beyond the wait: to connect, for a loaded server, for the way back.
constexpr milliseconds kPatienceBeyondWait{10'000};

}  // namespace

Question Pursuit::question(milliseconds remaining) {
  remaining = std::max(remaining, milliseconds(1));
  asked_ = Question{};
  asked_.patience = std::min(remaining + milliseconds(1000), kWaitMax + kPatienceBeyondWait);
  if (lost_ || !greeted_) return asked_;

  const bool looks_over = status_ && is_terminal(*status_);
  const bool each_change = show_changes_ && !looks_over && goal_.kind() != Goal::Kind::kExists;
  asked_.until = !status_ ? "exists" : each_change ? "change" : goal_.text();
  asked_.wait = std::min(remaining, kWaitMax);
  asked_.etag = etag_;
  return asked_;
}

Pursuit::Next Pursuit::take(const Reply& reply, milliseconds took) {
  if (const auto* answer = std::get_if<Answer>(&reply)) return take_answer(*answer, took);
  if (const auto* refusal = std::get_if<ServerRefusal>(&reply)) return take_refusal(*refusal, took);
  const auto& trouble = std::get<Trouble>(reply);
  const milliseconds pause =
      std::max(back_off_.next_pause(), back_off_.stretched(trouble.retry_after));
  return AskAgain{pause, trouble.what};
}

Pursuit::Next Pursuit::take_answer(const Answer& answer, milliseconds took) {
  const bool answered_because =
      answer.outcome == "done" || answer.outcome == "changed" || answer.outcome == "now";
  const bool held = asked_.until == goal_.text() && asked_.wait.count() > 0 && answered_because;
  if (lost_ && is_terminal(answer.status)) return Finished{exit_code_of(answer.status), {}};
  greeted_ = true;
  lost_ = false;  // If the wait goes on, an agent took the job up between the two requests.
  const auto code = goal_.judge(answer, held, first_etag_);
  if (code) return Finished{*code, {}};

  status_ = answer.status;
  const bool news = answer.news && answer.etag != etag_;
  if (answer.news) etag_ = answer.etag;
  if (first_etag_.empty()) first_etag_ = etag_;
  if (answer.outcome == "shed") return AskAgain{back_off_.next_pause(), "the server is full"};
  return AskAgain{pause_after(news, took), {}};
}

Pursuit::Next Pursuit::take_refusal(const ServerRefusal& refusal, milliseconds took) {
  switch (refusal.http_status) {
    case 401:
    case 403:
      return Finished{ExitCode::kAuth, refusal.detail};
    case 404:
      if (!refusal.no_such_job) return Finished{ExitCode::kBideFailed, refusal.detail};
      return take_absence(took);
    case 409:
      lost_ = true;
      return AskAgain{};
    default:
      return Finished{ExitCode::kBideFailed, refusal.detail};
  }
}

Pursuit::Next Pursuit::take_absence(milliseconds took) {
  greeted_ = true;
  if (status_) return Finished{ExitCode::kNotFound, "is gone: deleted or expired"};
  if (missing_ == Missing::kFail) return Finished{ExitCode::kNotFound, "not found"};
  // The first request is not held, and asking again at once is right.
  const bool was_held = asked_.wait.count() > 0;
  return AskAgain{.pause = was_held ? pause_after(false, took) : milliseconds(0),
                  .trouble = {},
                  .absent = true};
}

// Held requests come back rarely. If an answer comes at once and without news (from a draining
// server, or from a proxy that does not wait), asking again at once would be a busy loop.
milliseconds Pursuit::pause_after(bool news, milliseconds took) {
  quick_answers_ = took < kQuick ? quick_answers_ + 1 : 0;
  if (!news && took < kQuick) return back_off_.next_pause();
  back_off_.reset();
  return quick_answers_ > kQuickAnswersMax ? kQuick : milliseconds(0);
}

}  // namespace bide
