#include "client/pursuit.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace bide;
using namespace std::chrono_literals;

namespace {

constexpr bool kShowChanges = true;
constexpr bool kQuiet = false;

Pursuit fresh(std::string_view until, bool show_changes,
              Pursuit::Missing missing = Pursuit::Missing::kWait) {
  return {*Goal::parse(until), show_changes, missing, 1};
}

struct State {
  Status status = Status::kProcessing;
  const char* etag = "\"1\"";
  bool final = false;
  const char* outcome = "changed";
};
Answer news(const State& state) {
  return Answer{.news = true,
                .status = state.status,
                .final = state.final,
                .outcome = state.outcome,
                .etag = state.etag,
                .body = "{}"};
}
Answer no_news(const State& state) {
  Answer answer = news(state);
  answer.news = false;
  answer.body.clear();
  answer.outcome = "timeout";
  return answer;
}

Pursuit::AskAgain asks_again(const Pursuit::Next& next) {
  REQUIRE(std::holds_alternative<Pursuit::AskAgain>(next));
  return std::get<Pursuit::AskAgain>(next);
}
Pursuit::Finished finished(const Pursuit::Next& next) {
  REQUIRE(std::holds_alternative<Pursuit::Finished>(next));
  return std::get<Pursuit::Finished>(next);
}

// Its first question has been answered: the job is processing.
Pursuit pursuit(std::string_view until, bool show_changes) {
  Pursuit begun = fresh(until, show_changes);
  static_cast<void>(begun.question(10min));
  static_cast<void>(asks_again(begun.take(news({.outcome = "now"}), 5ms)));
  return begun;
}

}  // namespace

TEST_CASE("pursuit: the first question is answered at once, whatever the goal") {
  for (const char* goal : {"done", "succeeded", "change", "exists", "failed,skipped"}) {
    for (const bool show_changes : {kQuiet, kShowChanges}) {
      const Question first = fresh(goal, show_changes).question(10min);
      CHECK(first.until.empty());
      CHECK(first.wait == 0ms);
      CHECK(first.etag.empty());
    }
  }
}

TEST_CASE("pursuit: quiet, it asks for the goal and sends the tag it has seen") {
  Pursuit quiet = pursuit("done", kQuiet);
  const Question held = quiet.question(10min);
  CHECK(held.until == "done");
  CHECK(held.wait == 25s);
  CHECK(held.etag == "\"1\"");
  CHECK(asks_again(quiet.take(no_news({}), 24s)).pause == 0ms);
  static_cast<void>(quiet.question(10min));
  const auto end =
      quiet.take(news({.status = Status::kFailed, .etag = "\"2\"", .final = true}), 3s);
  CHECK(finished(end).code == ExitCode::kFailed);
  CHECK(finished(end).complaint.empty());
}

TEST_CASE("pursuit: it never asks the server to hold beyond the time limit") {
  Pursuit quiet = pursuit("done", kQuiet);
  CHECK(quiet.question(3s).wait == 3s);
  CHECK(quiet.question(3s).patience <= 4s);
  CHECK(quiet.question(0s).wait == 1ms);
  CHECK(quiet.question(1h).patience > Pursuit::kWaitMax);
}

TEST_CASE("pursuit: to show changes it asks for them, and for the goal once the job looks over") {
  Pursuit shown = pursuit("done", kShowChanges);
  CHECK(shown.question(10min).until == "change");
  CHECK(shown.question(10min).etag == "\"1\"");
  CHECK(asks_again(shown.take(news({.status = Status::kCompleted, .etag = "\"2\""}), 1s)).pause ==
        0ms);
  CHECK(shown.question(10min).until == "done");

  SUBCASE("a late agent: the wait goes on") {
    static_cast<void>(asks_again(shown.take(news({.etag = "\"3\"", .outcome = "timeout"}), 24s)));
    CHECK(shown.question(10min).until == "change");
  }
  SUBCASE("settled: the server says so, and its word counts though the job is not final") {
    const auto end =
        shown.take(news({.status = Status::kCompleted, .etag = "\"2\"", .outcome = "done"}), 2s);
    CHECK(finished(end).code == ExitCode::kCompleted);
  }
  SUBCASE("a deadline, a full or a draining server say nothing about settling") {
    for (const char* outcome : {"timeout", "shed", "drain", "auth", ""}) {
      const auto next =
          shown.take(news({.status = Status::kCompleted, .etag = "\"2\"", .outcome = outcome}), 1s);
      CHECK(std::holds_alternative<Pursuit::AskAgain>(next));
    }
  }
}

TEST_CASE("pursuit: change waits for the first state to be left") {
  Pursuit change = pursuit("change", kQuiet);
  CHECK(change.question(10min).etag == "\"1\"");
  CHECK(finished(change.take(news({.etag = "\"2\""}), 1s)).code == ExitCode::kCompleted);
}

TEST_CASE("pursuit: a job that does not exist yet is waited for, and then its goal") {
  const ServerRefusal absent{404, "no such job", true};
  for (const bool show_changes : {kQuiet, kShowChanges}) {
    Pursuit wait = fresh("done", show_changes);
    static_cast<void>(wait.question(10min));
    const auto first = asks_again(wait.take(absent, 5ms));
    CHECK(first.absent);
    CHECK(first.pause == 0ms);
    const Question held = wait.question(10min);
    CHECK(held.until == "exists");
    CHECK(held.wait == 25s);
    CHECK(asks_again(wait.take(absent, 25s)).pause == 0ms);

    // A server that does not hold this is asked less and less often.
    auto longest = 0ms;
    for (int i = 0; i < 8; ++i) {
      static_cast<void>(wait.question(10min));
      const auto again = asks_again(wait.take(absent, 5ms));
      CHECK(again.absent);
      CHECK(again.pause >= BackOff::kPauseMin);
      longest = std::max(longest, again.pause);
    }
    CHECK(longest > 2s);

    CHECK(wait.question(10min).until == "exists");
    const auto created = asks_again(wait.take(news({.outcome = "done"}), 1s));
    CHECK_FALSE(created.absent);
    CHECK(wait.question(10min).until == (show_changes ? "change" : "done"));
    CHECK(wait.question(10min).etag == "\"1\"");
  }
}

TEST_CASE("pursuit: a job that was seen and is not there any more ends the wait") {
  for (const auto missing : {Pursuit::Missing::kWait, Pursuit::Missing::kFail}) {
    Pursuit seen = fresh("done", kQuiet, missing);
    static_cast<void>(seen.question(10min));
    static_cast<void>(seen.take(news({.outcome = "now"}), 5ms));
    static_cast<void>(seen.question(10min));
    const auto end = finished(seen.take(ServerRefusal{404, "", true}, 5ms));
    CHECK(end.code == ExitCode::kNotFound);
    CHECK(end.complaint == "is gone: deleted or expired");
  }
}

TEST_CASE("pursuit: a job that does not exist ends the wait at once if that is wanted") {
  for (const char* goal : {"done", "change", "exists"}) {
    Pursuit wait = fresh(goal, kShowChanges, Pursuit::Missing::kFail);
    static_cast<void>(wait.question(10min));
    const auto end = finished(wait.take(ServerRefusal{404, "", true}, 5ms));
    CHECK(end.code == ExitCode::kNotFound);
    CHECK(end.complaint == "not found");
  }
}

TEST_CASE("pursuit: trouble before the first answer says nothing about whether the job exists") {
  Pursuit wait = fresh("exists", kShowChanges);
  static_cast<void>(wait.question(10min));
  CHECK_FALSE(asks_again(wait.take(Trouble{"cannot connect", {}}, 5ms)).absent);
  CHECK(wait.question(10min).wait == 0ms);
  CHECK(asks_again(wait.take(ServerRefusal{404, "", true}, 5ms)).absent);
  CHECK(wait.question(10min).until == "exists");
  CHECK(finished(wait.take(news({.outcome = "done"}), 1s)).code == ExitCode::kCompleted);
}

TEST_CASE("pursuit: 409 leads to one plain question, whose answer gives the code") {
  Pursuit succeeded = pursuit("succeeded", kQuiet);
  static_cast<void>(succeeded.question(10min));
  static_cast<void>(asks_again(succeeded.take(ServerRefusal{409, ""}, 1s)));
  const Question plain = succeeded.question(10min);
  CHECK(plain.until.empty());
  CHECK(plain.wait == 0ms);
  CHECK(plain.etag.empty());

  SUBCASE("the job failed, though it is not final") {
    const auto end = succeeded.take(news({.status = Status::kFailed, .outcome = "now"}), 5ms);
    CHECK(finished(end).code == ExitCode::kFailed);
  }
  SUBCASE("the job was taken up again meanwhile") {
    static_cast<void>(asks_again(succeeded.take(news({.outcome = "now"}), 5ms)));
    CHECK(succeeded.question(10min).until == "succeeded");
  }
}

TEST_CASE("pursuit: refusals end the wait with the reason") {
  for (const int status : {401, 403}) {
    Pursuit done = pursuit("done", kQuiet);
    static_cast<void>(done.question(10min));
    CHECK(finished(done.take(ServerRefusal{status, "no"}, 5ms)).code == ExitCode::kAuth);
  }
  for (const int status : {0, 301, 400, 404, 406}) {
    Pursuit done = pursuit("done", kQuiet);
    static_cast<void>(done.question(10min));
    const auto end = finished(done.take(ServerRefusal{status, "no"}, 5ms));
    CHECK(end.code == ExitCode::kBideFailed);
    CHECK(end.complaint == "no");
  }
}

TEST_CASE("pursuit: trouble is waited out, longer each time, and as long as the server asks") {
  Pursuit done = pursuit("done", kQuiet);
  auto longest = 0ms;
  for (int i = 0; i < 10; ++i) {
    static_cast<void>(done.question(10min));
    const auto again = asks_again(done.take(Trouble{"cannot connect", {}}, 5ms));
    CHECK(again.pause >= BackOff::kPauseMin);
    CHECK(again.pause <= BackOff::kPauseMax);
    CHECK(again.trouble == "cannot connect");
    longest = std::max(longest, again.pause);
  }
  CHECK(longest > 2s);
  static_cast<void>(done.question(10min));
  CHECK(asks_again(done.take(Trouble{"busy", 20s}, 5ms)).pause >= 20s);
}

TEST_CASE("pursuit: answers that come back at once without news are not a busy loop") {
  Pursuit done = pursuit("done", kQuiet);
  static_cast<void>(done.question(10min));
  static_cast<void>(done.take(news({.outcome = "drain"}), 24s));
  for (int i = 0; i < 5; ++i) {
    static_cast<void>(done.question(10min));
    CHECK(asks_again(done.take(no_news({}), 1ms)).pause >= BackOff::kPauseMin);
  }
}

TEST_CASE("pursuit: a job that never rests is looked at ten times a second") {
  Pursuit shown = pursuit("done", kShowChanges);
  auto pause = 0ms;
  for (int i = 0; i < 10; ++i) {
    static_cast<void>(shown.question(10min));
    const std::string etag = "\"" + std::to_string(i) + "\"";
    pause = asks_again(shown.take(news({.etag = etag.c_str()}), 1ms)).pause;
  }
  CHECK(pause == 100ms);
}
